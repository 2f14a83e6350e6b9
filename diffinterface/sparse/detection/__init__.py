"""Sparsity detection: which entries of a Jacobian or Hessian may be other than zero."""

from . import rules
from .detectors import DenseDetector, Detector, KnownPattern
from .errors import DetectionError, UnknownFunctionError, ValueDependenceError
from .jaxpr import JaxprDetector
from .tracing import TracerDetector

__all__ = [
    "DenseDetector",
    "DetectionError",
    "Detector",
    "JaxprDetector",
    "KnownPattern",
    "TracerDetector",
    "UnknownFunctionError",
    "ValueDependenceError",
    "rules",
]
