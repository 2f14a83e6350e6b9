"""Dual numbers over any array."""

from . import rules
from .backend import ForwardDiffBackend
from .define import defrule
from .dual import Dual
from .errors import DualConversionError, MissingRuleError
from .framework import framework

__all__ = [
    "Dual",
    "DualConversionError",
    "ForwardDiffBackend",
    "MissingRuleError",
    "defrule",
    "framework",
    "rules",
]
