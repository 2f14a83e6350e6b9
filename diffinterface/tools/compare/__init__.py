"""Which engines run a function, do they agree, and which is fastest."""

from . import regression
from .measure import Comparison, Outcome, compare
from .problem import Problem

__all__ = ["Comparison", "Outcome", "Problem", "compare", "regression"]
