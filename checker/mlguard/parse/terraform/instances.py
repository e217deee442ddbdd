"""Which instances of a block exist, over all scenarios that the open variables make."""

from __future__ import annotations

from collections.abc import Callable

from mlguard.parse.terraform.expand import Key, remembered, repeated_over
from mlguard.parse.terraform.scope import Scope
from mlguard.parse.terraform.syntax import Block
from mlguard.scenario import Scenario, TooManyScenariosError, explore
from mlguard.value import Unknown

_MAX_SCENARIOS = 256


def existing_keys(block: Block, scope: Scope) -> list[Key]:
    """Give the keys of all instances that exist in some scenario, last the symbolic one if there is one."""
    found: dict[Key, None] = {}
    try:
        for outcome in explore(lambda scenario: remembered(block, scope, scenario), _MAX_SCENARIOS):
            found.update(dict.fromkeys(outcome.result.keys()))
    except TooManyScenariosError:
        found[None] = None
    return [*(key for key in found if key is not None), *([None] if None in found else [])]


class Existence:
    """Tells whether an instance exists in a scenario: what calls its module must exist, and its key be there."""

    __slots__ = ("_above", "_block", "_key", "_scope", "condition")

    def __init__(self, block: Block, scope: Scope, key: Key, above: Callable[[Scenario], bool | Unknown]) -> None:
        self._block = block
        self._scope = scope
        self._key = key
        self._above = above
        self.condition = (above, scope.instance.prefix, repeated_over(block), key)

    def __eq__(self, other: object) -> bool:
        """Tell whether another instance exists in the same cases: it is repeated over the same in the same module."""
        return isinstance(other, Existence) and self.condition == other.condition

    def __hash__(self) -> int:
        """Give a number that is the same for instances that exist in the same cases."""
        return hash(self.condition)

    def __call__(self, scenario: Scenario) -> bool | Unknown:
        """Tell whether the instance exists in this scenario."""
        above = self._above(scenario)
        if above is False:
            return False
        found = remembered(self._block, self._scope, scenario)
        if self._key is not None and self._key in found.values:
            return above
        return found.rest or False
