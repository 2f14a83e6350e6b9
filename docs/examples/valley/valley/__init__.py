"""Two optimisers that leave the choice of the AD engine to their users."""

from .levenberg_marquardt import levenberg_marquardt
from .newton_cg import newton_cg
from .result import NotConvergedError, Result

__all__ = ["NotConvergedError", "Result", "levenberg_marquardt", "newton_cg"]
