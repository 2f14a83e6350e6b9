"""The PyTorch adapter."""

from .backend import TorchBackend
from .framework import framework

__all__ = ["TorchBackend", "framework"]
