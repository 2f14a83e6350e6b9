"""The complex step."""

from . import functions
from .analytic import Analytic
from .backend import ComplexStepBackend
from .framework import framework

__all__ = ["Analytic", "ComplexStepBackend", "framework", "functions"]
