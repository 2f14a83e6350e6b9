"""Finite differences."""

from .backend import FiniteDiffBackend, derivative_with_error

__all__ = ["FiniteDiffBackend", "derivative_with_error"]
