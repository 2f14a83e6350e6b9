"""Functions with engines of their own inside another engine's derivative."""
