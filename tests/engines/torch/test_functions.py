"""What f may do: write in place, branch, detach, draw random numbers, keep running statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffinterface as di

from ..jax.cubic import CALLS, IDS, Row, T, W, X
from .common import MODES, close, every_mode

torch = pytest.importorskip("torch")

POINTS: dict[str, Callable[[Any], Any]] = {
    "plain": lambda x: torch.tensor(x),
    "tracked": lambda x: torch.tensor(x, requires_grad=True),
    "numpy": lambda x: np.array(x),
}


def overwriting(row: Row) -> Callable[[Any], Any]:
    """The cubic, computed by writing into its argument."""

    def f(x: Any) -> Any:
        x *= x.clone() ** 2
        x.mul_(torch.tensor(W)) if x.ndim else None
        y = x if x.ndim else torch.tensor(W) * x
        return y.sum() if row.scalar_y else y

    return f


@pytest.mark.parametrize("kind", POINTS)
@every_mode
@pytest.mark.parametrize(("row", "way"), CALLS, ids=IDS)
def test_f_that_overwrites_its_argument(row: Row, way: str, backend: di.ADType, kind: str) -> None:
    """The derivative is that at the x given, and the caller's x stays as it was."""
    x = POINTS[kind](row.x)
    t = T if kind == "numpy" else torch.tensor(T)
    close(row.ask(way, overwriting(row), backend, x, t), row.result(W, row.x))
    close(x, row.x)


@pytest.mark.parametrize("kind", POINTS)
@every_mode
def test_writes_that_the_tape_does_not_see(backend: di.ADType, kind: str) -> None:
    """Through ``data`` or under ``no_grad``: no derivative to get right, but x is the caller's."""

    def under_no_grad(x: Any) -> Any:
        with torch.no_grad():
            x.mul_(2.0)
        return x.sum()

    def through_data(x: Any) -> Any:
        x.data.mul_(2.0)
        return x.sum()

    def through_detach(x: Any) -> Any:
        x.detach().mul_(2.0)
        return x.sum()

    for f in (under_no_grad, through_data, through_detach):
        x = POINTS[kind](X)
        di.gradient(f, backend, x)
        di.prepare_jacobian(f, backend, x)(x)
        di.prepare_gradient(f, backend, x).value_and(x)
        close(x, X)


@every_mode
def test_writes_into_intermediates_and_buffers(backend: di.ADType) -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y[1:].mul_(3.0)
        z = torch.empty(4, dtype=x.dtype)
        z[:3], z[3] = y, x[0] * x[2]
        return z

    want = np.vstack([np.diag([1.0, 3.0, 3.0]), [X[2], 0, X[0]]])
    close(di.jacobian(f, di.AutoTorch(mode="reverse"), torch.tensor(X)), want)
    with_zeros = lambda x: torch.stack([*(x * torch.tensor([1.0, 3, 3])), x[0] * x[2]])  # noqa: E731
    close(di.jacobian(with_zeros, backend, torch.tensor(X)), want)


# --- what f returns ------------------------------------------------------------------------------


@every_mode
def test_x_itself_views_and_constants(backend: di.ADType) -> None:
    cases: dict[str, tuple[Callable[[Any], Any], np.ndarray]] = {
        "itself": (lambda x: x, np.eye(3)),
        "slice": (lambda x: x[1:], np.eye(3)[1:]),
        "view": (lambda x: x.view(3, 1), np.eye(3)[:, None]),
        "expanded": (lambda x: x.expand(2, 3), np.stack([np.eye(3)] * 2)),
        "constant": (lambda x: torch.ones(2, dtype=x.dtype), np.zeros((2, 3))),
        "captured": (lambda x: torch.tensor(W, requires_grad=True), np.zeros((3, 3))),
    }
    for name, (f, want) in cases.items():
        y = f(torch.tensor(X)).detach().numpy()
        t = np.arange(1.0, 1 + y.size).reshape(y.shape)
        for x in (X.copy(), torch.tensor(X)):
            as_x = torch.tensor if isinstance(x, torch.Tensor) else np.array
            value, got = di.value_and_jacobian(f, backend, x)
            close(value, y)
            close(got, want)
            close(di.pushforward(f, backend, x, as_x(T)), want @ T)
            pulled = di.pullback(f, backend, x, as_x(t))
            close(pulled, np.tensordot(t, want, axes=y.ndim)), name


def test_results_for_numpy_share_no_memory() -> None:
    for f in (lambda x: x, lambda x: x[1:], lambda x: x.view(3, 1)):
        for backend in MODES:
            x, t = X.copy(), np.ones(f(torch.tensor(X)).shape)
            for part in (
                *di.value_and_pullback(f, backend, x, t),
                *di.prepare_pullback(f, backend, x, t).value_and(x, t),
                *di.value_and_jacobian(f, backend, x),
            ):
                assert part.flags.writeable
                part += 1.0
            close(x, X)
            close(t, np.ones_like(t))


@every_mode
def test_detached_parts_are_constants(backend: di.ADType) -> None:
    """``detach`` is torch's own way to say so; a number instead of a tensor is a mistake."""
    x = torch.tensor(X)
    close(di.gradient(lambda x: (x.detach() * x).sum(), backend, x), X)
    close(di.jacobian(lambda x: x.detach() ** 2, backend, x), np.zeros((3, 3)))
    for f in (lambda x: x.sum().item(), lambda x: x.tolist(), lambda x: x.detach().sum().item()):
        with pytest.raises(di.OutputError, match="expected tensors"):
            di.gradient(f, backend, x)
    for f in (lambda x: np.asarray(x.detach()).sum(), lambda x: np.float64(1.0)):
        with pytest.raises((di.OutputError, RuntimeError)):
            di.gradient(f, backend, x)


# --- control flow and operations -----------------------------------------------------------------


@every_mode
@pytest.mark.parametrize("prepared", [True, False])
def test_branches_on_values(backend: di.ADType, prepared: bool) -> None:
    def f(x: Any) -> Any:
        y = x
        while y.abs().max() < 100:
            y = 3 * y
        return (y**2).sum() if x[0] > 0 else y.sum()

    prep = di.prepare_hessian(f, backend, torch.tensor(X)) if prepared else None
    for x in (torch.tensor(X), torch.tensor(-X)):
        factor = 3.0 ** np.ceil(np.log(100 / 2) / np.log(3))
        hessian = prep(x) if prep else di.hessian(f, backend, x)
        close(hessian, 2 * factor**2 * np.eye(3) if x[0] > 0 else np.zeros((3, 3)))
        gradient = di.gradient(f, backend, x)
        close(gradient, 2 * factor**2 * x.numpy() if x[0] > 0 else np.full(3, factor))


@every_mode
def test_operations_that_vmap_does_not_know(backend: di.ADType) -> None:
    """Shapes that depend on values: selected entries, their Jacobians and Hessians."""
    x = torch.tensor(X)
    close(di.jacobian(lambda x: x[x > 0] ** 2, backend, x), np.diag(2 * X)[[0, 2]])
    close(di.hessian(lambda x: (x[x > 0] ** 3).sum(), backend, x), np.diag(6 * X * (X > 0)))
    nonzero = lambda x: x[torch.nonzero(x > 0).ravel()].sum() ** 2  # noqa: E731
    close(di.gradient(nonzero, backend, x), 2 * 2.5 * (X > 0))
    close(di.jacobian(lambda x: x * x[0].detach().item(), backend, x), X[0] * np.eye(3))


class OldStyle(torch.autograd.Function):
    """The sine with a slope of its own, 5 x**2, written for the tape only."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return 5 * ctx.saved_tensors[0] ** 2 * grad


class NewStyle(torch.autograd.Function):
    """The same for every transform."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Any) -> Any:
        return x.sin()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(inputs[0])
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return 5 * ctx.saved_tensors[0] ** 2 * grad

    @staticmethod
    def jvp(ctx: Any, t: Any) -> Any:
        return 5 * ctx.saved_tensors[0] ** 2 * t


def custom(function: Any, backend: di.ADType, names: tuple[str, ...]) -> None:
    x, t = torch.tensor(X), torch.tensor(T)
    apply, total = function.apply, lambda x: function.apply(x).sum()
    table = {
        "gradient": (total, (), 5 * X**2),
        "jacobian": (apply, (), np.diag(5 * X**2)),
        "batched_jacobian": (apply, (), 5 * X**2),
        "pullback": (apply, (t,), 5 * X**2 * T),
        "pushforward": (apply, (t,), 5 * X**2 * T),
        "hvp": (total, (t,), 10 * X * T),
        "hessian": (total, (), np.diag(10 * X)),
    }
    for name in names:
        f, seeds, want = table[name]
        close(getattr(di, name)(f, backend, x, *seeds), want)
        close(getattr(di, f"prepare_{name}")(f, backend, x, *seeds)(x, *seeds), want)


REVERSE = ("gradient", "jacobian", "batched_jacobian", "pullback", "hvp", "hessian")


def test_custom_functions_on_the_tape() -> None:
    for backend in MODES[:2]:
        custom(OldStyle, backend, REVERSE)
        custom(NewStyle, backend, REVERSE)


def test_custom_functions_in_forward_mode() -> None:
    custom(NewStyle, MODES[2], ("gradient", "jacobian", "batched_jacobian", "pushforward"))
    with pytest.raises(RuntimeError, match="setup_context"):
        di.pushforward(OldStyle.apply, MODES[2], torch.tensor(X), torch.tensor(T))


def test_custom_functions_are_pushed_through_by_two_pullbacks() -> None:
    for backend in MODES[:2]:
        custom(OldStyle, backend, ("pushforward",))
        total: Any = OldStyle.apply
        point = torch.tensor(0.5, dtype=torch.float64)
        close(di.derivative(total, backend, point), 5 * 0.25)
        close(di.second_derivative(total, backend, point), 5.0)


# --- state and random numbers --------------------------------------------------------------------

BATCH = np.arange(12.0).reshape(4, 3) ** 1.3


@pytest.mark.parametrize("backend", MODES[:2], ids=lambda adtype: adtype.mode)
@pytest.mark.parametrize("name", ["gradient", "jacobian", "hessian"])
def test_running_statistics_see_each_batch_once(name: str, backend: di.ADType) -> None:
    def fresh() -> tuple[Any, Any]:
        norm = torch.nn.BatchNorm1d(3, momentum=0.5, affine=False).double()
        return norm, lambda x: (norm(x) ** 3).sum()

    x = torch.tensor(BATCH)
    norm, f = fresh()
    getattr(di, name)(f, backend, x)
    assert int(norm.num_batches_tracked) == 1
    close(norm.running_mean, BATCH.mean(axis=0) / 2)
    norm, f = fresh()
    prep = getattr(di, f"prepare_{name}")(f, backend, x)
    before = int(norm.num_batches_tracked)
    prep(x)
    assert int(norm.num_batches_tracked) == before + 1
    assert not norm.running_mean.requires_grad
    assert type(norm.running_mean) is torch.Tensor


def test_batch_normalisation_by_hand() -> None:
    """In evaluation mode it is affine: its slope is ``1 / sqrt(var + eps)``."""
    norm = torch.nn.BatchNorm1d(3, affine=False).double().eval()
    norm.running_var[:] = torch.tensor([4.0, 9.0, 16.0])
    for backend in MODES:
        got = di.gradient(lambda x: norm(x).sum(), backend, torch.tensor(BATCH))
        close(got, np.tile(1 / np.sqrt(np.array([4.0, 9.0, 16.0]) + norm.eps), (4, 1)))
    assert int(norm.num_batches_tracked) == 0


@every_mode
@pytest.mark.parametrize("prepared", [True, False])
@pytest.mark.parametrize("name", ["gradient", "jacobian", "pushforward", "pullback", "hvp"])
def test_random_numbers_are_those_of_one_evaluation(
    name: str, prepared: bool, backend: di.ADType
) -> None:
    """The same seed draws what f alone would draw."""
    torch.manual_seed(3)
    drawn = torch.rand(3, dtype=torch.float64).numpy()

    def f(x: Any) -> Any:
        y = torch.rand(3, dtype=torch.float64) * x**2
        return y if name in ("jacobian", "pushforward", "pullback") else y.sum()

    x, t = torch.tensor(X), torch.tensor(T)
    seeds = (t,) if name in ("pushforward", "pullback", "hvp") else ()
    prep = getattr(di, f"prepare_{name}")(f, backend, x, *seeds) if prepared else None
    torch.manual_seed(3)
    got = prep(x, *seeds) if prep else getattr(di, name)(f, backend, x, *seeds)
    want = {
        "gradient": 2 * drawn * X,
        "jacobian": np.diag(2 * drawn * X),
        "hvp": 2 * drawn * T,
    }
    close(got, want.get(name, 2 * drawn * X * T))
