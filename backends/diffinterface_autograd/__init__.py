"""The HIPS autograd adapter."""

from .backend import AutogradBackend
from .framework import framework

__all__ = ["AutogradBackend", "framework"]
