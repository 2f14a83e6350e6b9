"""Products by an executor: threads, processes, or whatever offers ``submit`` as these do."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from ..arrays.trees import Leaves
from ..declare.adtypes import ADType
from ..engine.function import Function
from ..engine.registry import resolve
from ..errors import InputError
from .products import Evaluate, Part


def remote(executor: Any, adtype: ADType, operator: str, fn: Function) -> Evaluate:
    """All batches handed out at once, taken back in order."""
    options = {"argnums": fn.argnums, "has_aux": fn.has_aux, "scalar": fn.scalar}
    # A value that pickles if f does.
    task = partial(_run, adtype, operator, (fn.f, fn.x_structure, fn.layout), options)

    def evaluate(x: Leaves, contexts: Leaves, batches: Iterable[Leaves]) -> Iterator[Part]:
        futures = [executor.submit(task, x, contexts, seeds) for seeds in batches]
        try:
            for future in futures:
                yield future.result()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            if "pickle" not in str(error):
                raise
            raise InputError(
                f"AutoSparse(executor=...) could not send f to a worker ({error}); define f at the top "
                "level of a module, or use an executor of threads.",
                got=fn.f,
            ) from error
        finally:
            for future in futures:
                future.cancel()

    return evaluate


def _run(
    adtype: ADType, operator: str, parts: Any, options: Any, x: Leaves, contexts: Leaves, t: Leaves
) -> Part:
    """Prepare and run: a worker holds no plan, because plans do not travel."""
    f, x_structure, layout = parts
    backend = resolve(adtype)
    fn = Function(f, backend, x_structure, layout, reuse=False, **options)
    return backend.prepare(operator, fn, x, contexts, t, batched=True).run(x, contexts, t)
