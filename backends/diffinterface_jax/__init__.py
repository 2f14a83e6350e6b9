"""The JAX adapter."""

from .backend import JaxBackend
from .framework import framework

__all__ = ["JaxBackend", "framework"]
