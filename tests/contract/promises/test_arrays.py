"""What the pages on arrays promise: containers, dtypes, memory, empty batches."""

import dataclasses

import numpy as np
import pytest

import diffinterface as di

ENGINES = ["forwarddiff", "finitediff", "complexstep", "jax", "torch", "autograd"]


@pytest.fixture(params=ENGINES)
def engine(request):
    if not di.check_available(request.param):
        pytest.skip(f"{request.param} is not installed")
    return request.param


def total(x, c=1.0):
    return di.array_namespace(x).sum(c * x * x)


@dataclasses.dataclass
class Pair:
    scale: np.ndarray
    shift: float


@pytest.mark.parametrize("where", ["x", "context"])
def test_a_masked_array_never_loses_its_mask(engine, where):
    masked = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
    arguments = (masked,) if where == "x" else (np.ones(3), masked)
    with pytest.raises(di.InputError):
        di.gradient(total, engine, *arguments)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_a_matrix_is_refused_where_its_product_would_mean_another_thing(engine):
    with pytest.raises(di.InputError):
        di.gradient(total, engine, np.matrix([[1.0, 2.0], [3.0, 4.0]]))


def test_a_prepared_call_with_an_object_of_an_unknown_class(engine):
    def f(x, p):
        return di.array_namespace(x).sum(x * x) * p.shift

    x, p = np.ones(2), Pair(np.ones(2), 3.0)
    try:
        result = di.prepare_gradient(f, engine, x, p)(x, Pair(np.ones(2), 3.0))
    except di.DiffInterfaceError:
        return  # a refusal that names the argument is as good as the answer
    np.testing.assert_allclose(result, 6 * np.ones(2), rtol=1e-6)


def test_a_batch_without_samples(engine):
    assert di.batched_jacobian(lambda x: x**3, engine, np.ones((0, 3))).shape == (0, 3, 3)


@pytest.mark.skipif(np.dtype("longdouble") == np.dtype("float64"), reason="no wider float here")
def test_a_dtype_that_the_engine_lacks_is_named(engine):
    x = np.ones(2, dtype="longdouble")
    try:
        found = di.gradient(total, engine, x)
    except di.DiffInterfaceError as error:
        refusal = str(error)
    else:
        assert found.dtype == x.dtype
        return
    assert str(x.dtype) in refusal


def test_float32_stays_float32_whatever_its_contexts_are(engine):
    x, c = np.ones(2, dtype="float32"), np.ones(2)
    assert di.jacobian(lambda x, c: c * x * x, engine, x, c).dtype == np.float32


def test_bfloat16_comes_back_as_it_went_in(engine):
    torch = pytest.importorskip("torch")
    x = torch.ones(2, dtype=torch.bfloat16)
    try:
        found = [di.gradient(total, engine, x), di.hvp(total, engine, x, x)]
    except di.UnsupportedOperatorError:
        assert engine == "complexstep"
        return
    assert [r.dtype for r in found] == [torch.bfloat16, torch.bfloat16]


def test_the_complex_step_has_no_hvp_in_bfloat16():
    torch = pytest.importorskip("torch")
    x = torch.ones(2, dtype=torch.bfloat16)
    with pytest.raises(di.UnsupportedOperatorError):
        di.hvp(total, "complexstep", x, x)


@pytest.mark.parametrize("prepared", [False, True])
def test_aux_shares_no_memory_with_a_context(engine, prepared):
    def f(x, c):
        return total(x), {"c": c}

    x, c = np.ones(3), np.ones(3)
    if prepared:
        aux = di.prepare_gradient(f, engine, x, c, has_aux=True)(x, c)[1]
    else:
        aux = di.gradient(f, engine, x, c, has_aux=True)[1]
    c[:] = 9.0
    np.testing.assert_array_equal(aux["c"], np.ones(3))


@pytest.mark.parametrize("view", ["transposed", "reversed", "broadcast", "readonly", "big-endian"])
def test_memory_layout_does_not_matter(engine, view):
    base = np.arange(1.0, 7.0).reshape(2, 3)
    readonly = base.copy()
    readonly.setflags(write=False)
    x = {
        "transposed": base.T,
        "reversed": base[::-1, ::-2],
        "broadcast": np.broadcast_to(2.0, (2, 3)),
        "readonly": readonly,
        "big-endian": base.astype(">f8"),
    }[view]
    np.testing.assert_allclose(di.gradient(total, engine, x), 2 * x, rtol=1e-6)
    prepared = di.prepare_gradient(total, engine, np.ones(x.shape))
    np.testing.assert_allclose(prepared(x), 2 * x, rtol=1e-6)


@pytest.mark.parametrize("kind", ["pushforward", "pullback", "hvp"])
def test_a_fixed_point_is_fixed(engine, kind):
    """The caller overwrites his array; what was linearised stays."""
    f, want = (total, 2.0) if kind == "hvp" else ((lambda x: x * x), 2.0)
    x = np.ones(3)
    apply = getattr(di, f"prepare_{kind}_same_point")(f, engine, x, np.ones(3))
    x[:] = 100.0
    np.testing.assert_allclose(apply(np.ones(3)), np.full(3, want), rtol=1e-5)
