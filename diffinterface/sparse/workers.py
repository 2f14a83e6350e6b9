"""Products by an executor: threads, processes, or whatever offers ``submit`` as these do."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, final

from ..arrays.trees import Leaves
from ..declare.adtypes import ADType
from ..engine.function import Function
from ..engine.registry import resolve
from ..errors import InputError
from .products import Evaluate, Part


@final
@dataclass(frozen=True)
class Task:
    """One batch of products, as a value that pickles if f does."""

    adtype: ADType
    operator: str
    f: Callable[..., Any]
    x_structure: Any
    layout: tuple[Any, ...]
    argnums: Any
    has_aux: bool
    scalar: bool

    @classmethod
    def of(cls, adtype: ADType, operator: str, fn: Function) -> Task:
        """The task that `fn` makes for the engine `adtype`."""
        return cls(
            adtype, operator, fn.f, fn.x_structure, fn.layout, fn.argnums, fn.has_aux, fn.scalar
        )

    def __call__(self, x: Leaves, contexts: Leaves, seeds: Leaves) -> Part:
        """Prepare and run: a worker holds no plan, because plans do not travel."""
        backend = resolve(self.adtype)
        fn = Function(
            self.f,
            backend,
            self.x_structure,
            self.layout,
            argnums=self.argnums,
            has_aux=self.has_aux,
            scalar=self.scalar,
            reuse=False,
        )
        plan = backend.prepare(self.operator, fn, x, contexts, seeds, batched=True)
        part: Part = plan.run(x, contexts, seeds)
        return part


def remote(executor: Any, task: Task) -> Evaluate:
    """All batches handed out at once, taken back in order."""

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
                got=task.f,
            ) from error
        finally:
            for future in futures:
                future.cancel()

    return evaluate
