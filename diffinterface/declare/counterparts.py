"""The same engine in one mode, as DifferentiationInterface.jl's counterparts."""

from __future__ import annotations

from .adtypes import ADType
from .config import as_adtype


def forward_counterpart(backend: ADType | str | None) -> ADType:
    """The declaration of the same engine in forward mode.

    Parameters
    ----------
    backend : ADType or str or None
        A declaration, its string, or None for the configured backend.

    Returns
    -------
    ADType
        With ``mode="forward"`` where there is a mode to choose; of `AutoSparse` with that of its dense
        engine. All else is returned as it is, also an engine that has no forward mode: every operator
        works with it, by its pullbacks. `MixedMode` is of both modes.

    Raises
    ------
    InputError
        For `SecondOrder`, whose outer and inner engine have a counterpart each.
    UnsupportedOperatorError
        For `NoAutoDiff`.

    Examples
    --------
    >>> import diffinterface as di
    >>> di.forward_counterpart("jax")
    AutoJax(mode='forward')
    """
    return as_adtype(backend).in_mode("forward")


def reverse_counterpart(backend: ADType | str | None) -> ADType:
    """The declaration of the same engine in reverse mode; see `forward_counterpart`.

    Parameters
    ----------
    backend : ADType or str or None
        A declaration, its string, or None for the configured backend.

    Returns
    -------
    ADType
        With ``mode="reverse"`` where there is a mode to choose, and as it is elsewhere.

    Raises
    ------
    InputError
        For `SecondOrder`, whose outer and inner engine have a counterpart each.
    UnsupportedOperatorError
        For `NoAutoDiff`.

    Examples
    --------
    >>> import diffinterface as di
    >>> di.reverse_counterpart(di.AutoSparse(di.AutoTorch(mode="forward")))
    AutoSparse(AutoTorch(mode='reverse'))
    """
    return as_adtype(backend).in_mode("reverse")
