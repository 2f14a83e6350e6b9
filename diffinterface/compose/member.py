"""Declarations made of other declarations: every operator goes to a member."""

from __future__ import annotations

from typing import Any, final

from ..arrays.trees import Leaves, Structure, flatten
from ..declare.adtypes import NoAutoDiff
from ..engine.contract import AbstractBackend
from ..engine.conversion import prepare
from ..engine.function import Function
from ..engine.prep import Levels, Prep, Setting
from ..errors import UnsupportedOperatorError


class Composite(AbstractBackend):
    """Every method goes to the member that `_route` names for it.

    Attributes
    ----------
    trees : AbstractBackend or None
        The member whose containers are understood.
    """

    trees: AbstractBackend | None = None

    def flatten(self, tree: Any) -> tuple[Leaves, Structure]:
        return flatten(tree) if self.trees is None else self.trees.flatten(tree)

    @property
    def has_forward(self) -> bool:
        return True

    @property
    def has_reverse(self) -> bool:
        return True

    def _route(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> AbstractBackend:
        raise UnsupportedOperatorError(
            f"{self.adtype!r} does not differentiate; {operator} needs another backend.",
            backend=self.adtype,
            operator=operator,
        )

    def member(self, operator: str, fn: Function, x: Leaves, contexts: Leaves) -> AbstractBackend:
        return self._route(operator, fn, x, contexts).member(operator, fn, x, contexts)

    def prepare(
        self, operator: str, fn: Function, x: Leaves, contexts: Leaves, *t: Any, **options: bool
    ) -> Prep:
        member = self._route(operator, fn, x, contexts)
        prep, converter = prepare(member, operator, fn, x, contexts, *t, **options)
        if converter.plain:
            return prep
        if options.get("same_point"):
            return Prep(lambda t: converter.leave_run(prep.run(converter.enter(t))))

        def run(x: Leaves, contexts: Leaves, *t: Leaves) -> tuple[Any, Any, Any]:
            arguments = converter.enter_all(x, contexts)
            return converter.leave_run(prep.run(*arguments, *map(converter.enter, t)))

        def levels(setting: Setting) -> Levels:
            x, contexts = converter.enter_all(setting.x, setting.contexts)
            return prep.levels(setting._replace(x=x, contexts=contexts))

        return Prep(run, levels=levels)


@final
class NoBackend(Composite):
    """`NoAutoDiff`: every operator raises."""

    adtype_class = NoAutoDiff
    orders, dtypes = 0, frozenset()
