"""Explore the values that an author left open, without guessing and without enumerating what nobody looks at.

Code that needs a value which depends on an open parameter calls `scenario.decide(variable, options)` and goes on as
if the answer were known. `explore` runs that code again for every other answer: plain deterministic code is thereby
evaluated in every scenario that it can tell apart, and in no other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from mlguard.record import record

T = TypeVar("T")
Decided = str | int | float | bool | None
MAX_SCENARIOS = 4096
_MAX_KEPT = 64
UNDECIDED = "\0undecided"
"""Stands, in what a result depends on, for a variable that had no value yet."""
_DECIDED_SINCE = "\0decided since"
"""Stands for a variable that had no value when it was looked at first, and has one now: no other scenario is alike."""


class TooManyScenariosError(Exception):
    """More combinations than are worth minutes of work; the caller makes the value unknown."""


class ImpossibleError(Exception):
    """The decisions taken so far contradict a rule of the template: no deployment looks like this."""


@record(frozen=False)
class _Step:
    variable: str
    options: Sequence[Decided]
    index: int = 0


class Scenario:
    """The decisions under which a value is looked at: at first none, then one for each open variable met."""

    __slots__ = ("_fixed", "_position", "_touched", "steps")

    def __init__(self, steps: list[_Step] | None = None, fixed: Mapping[str, Decided] | None = None) -> None:
        self.steps = steps if steps is not None else []
        self._position = 0
        self._fixed: dict[str, Decided] = dict(fixed or {})
        self._touched: list[dict[str, Decided]] = []

    @property
    def decisions(self) -> dict[str, Decided]:
        """The value of each open variable that was looked at, in the order of looking."""
        return dict(self._fixed)

    def decide(self, variable: str, options: Sequence[Decided]) -> Decided:
        """Give the value of an open variable in this scenario; the first option is the default."""
        if variable not in self._fixed:
            if self._position == len(self.steps):
                self.steps.append(_Step(variable, options))
            step = self.steps[self._position]
            self._position += 1
            self._fixed[variable] = step.options[step.index]
        value = self._fixed[variable]
        self.touch(variable, value)
        return value

    def decided(self, variable: str) -> bool:
        """Tell whether the variable has a value already, without giving it one."""
        found = variable in self._fixed
        self.touch(variable, self._fixed[variable] if found else UNDECIDED)  # "not yet" was looked at, too
        return found

    def touch(self, variable: str, value: Decided) -> None:
        """Note, for the memory, what a result depends on."""
        if self._touched:
            touched = self._touched[-1]
            if touched.setdefault(variable, value) == UNDECIDED != value:
                touched[variable] = _DECIDED_SINCE


class Memory:
    """Results of costly evaluations, each kept with the decisions that it looked at."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[Hashable, list[tuple[dict[str, Decided], object]]] = {}

    def recall(self, key: Hashable, scenario: Scenario, compute: Callable[[Scenario], T]) -> T:
        """Give what `compute` gives in this scenario, from memory where the same decisions hold."""
        kept = self._kept.setdefault(key, [])
        fixed = scenario._fixed  # noqa: SLF001  (Memory and Scenario are two halves of one mechanism)
        for needed, value in kept:
            if not needed:
                return value  # type: ignore[return-value]
            if all(fixed.get(variable, UNDECIDED) == decided for variable, decided in needed.items()):
                for variable, decided in needed.items():
                    scenario.touch(variable, decided)
                return value  # type: ignore[return-value]
        touched: dict[str, Decided] = {}
        scenario._touched.append(touched)  # noqa: SLF001
        try:
            value = compute(scenario)
        finally:
            scenario._touched.pop()  # noqa: SLF001
            for variable, decided in touched.items():
                scenario.touch(variable, decided)
        if len(kept) < _MAX_KEPT and _DECIDED_SINCE not in touched.values():  # a longer list saves no time
            kept.append((touched, value))
        return value


@record()
class Outcome(Generic[T]):
    """What a computation gave, and the decisions under which it did."""

    decisions: Mapping[str, Decided]
    result: T

    def agrees(self, decisions: Mapping[str, Decided]) -> bool:
        """Tell whether both may be true of one deployment: no variable is decided in two ways."""
        return all(decisions.get(variable, value) == value for variable, value in self.decisions.items())


def explore(
    function: Callable[[Scenario], T], limit: int = MAX_SCENARIOS, fixed: Mapping[str, Decided] | None = None
) -> Iterator[Outcome[T]]:
    """Run a deterministic function in every scenario that it can tell apart; the defaults come first.

    `fixed` are decisions that hold in all of them. Raises TooManyScenariosError when there are more than `limit`.
    """
    steps: list[_Step] = []
    for _ in range(limit):
        scenario = Scenario(steps, fixed)
        try:
            result = function(scenario)
        except ImpossibleError:
            pass
        else:
            yield Outcome(scenario.decisions, result)
        while steps and steps[-1].index + 1 == len(steps[-1].options):
            steps.pop()
        if not steps:
            return
        steps[-1].index += 1
    raise TooManyScenariosError
