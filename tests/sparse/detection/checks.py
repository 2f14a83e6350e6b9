"""Patterns against the entries of dense derivatives that are not zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

import diffinterface as di

ENGINE = di.AutoForwardDiff()


def dense(pattern: Any) -> Any:
    """The pattern as a matrix of bools, its form checked."""
    assert isinstance(pattern, scipy.sparse.csr_array)
    assert pattern.dtype == bool
    assert pattern.has_canonical_format
    assert pattern.data.all()
    return pattern.toarray()


def jacobian_at(f: Callable[[Any], Any], x: Any) -> Any:
    """Where the Jacobian of an array function of one array is not zero."""
    j = np.asarray(di.jacobian(f, ENGINE, x))
    return j.reshape(-1, np.size(x)) != 0


def hessian_at(f: Callable[[Any], Any], x: Any) -> Any:
    """Where the Hessian is not zero."""
    return np.asarray(di.hessian(f, ENGINE, x)).reshape(np.size(x), -1) != 0


def covers(pattern: Any, truth: Any) -> None:
    """The pattern has all of the truth's entries."""
    assert pattern.shape == truth.shape
    missed = np.argwhere(truth & ~pattern)
    assert not missed.size, f"not covered: {missed[:5].tolist()}"
