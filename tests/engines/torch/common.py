"""What the torch tests share: the modes, and a comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffinterface as di

MODES = (di.AutoTorch(), di.AutoTorch(mode="reverse"), di.AutoTorch(mode="forward"))

every_mode = pytest.mark.parametrize("backend", MODES, ids=lambda adtype: adtype.mode)


def close(got: Any, want: Any, tolerance: float = 1e-12) -> None:
    """Compare a tensor or an array with NumPy's own numbers."""
    got = got.detach().numpy() if hasattr(got, "detach") else got
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
