"""Explore the values that an author left open, without guessing and without enumerating what nobody looks at.

Code that needs a value which depends on an open parameter calls `scenario.decide(variable, options)` and goes on as
if the answer were known. `explore` runs that code again for every other answer: plain deterministic code is thereby
evaluated in every scenario that it can tell apart, and in no other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from mlguard.record import field, record

T = TypeVar("T")
Decided = str | int | float | bool | None
MAX_SCENARIOS = 4096
_MAX_KEPT = 1024  # results of one key
_ABSENT: object = object()
UNDECIDED = "\0undecided"
"""Stands, in what a result depends on, for a variable that had no value yet."""
_DECIDED_SINCE = "\0decided since"
"""Stands for a variable that had no value when it was looked at first, and has one now: no other scenario is alike."""


class TooManyScenariosError(Exception):
    """More combinations than are worth minutes of work; the caller makes the value unknown."""


class ImpossibleError(Exception):
    """The decisions taken so far contradict a rule of the template: no deployment looks like this."""


Guard = Callable[["Scenario"], None]
"""Raises ImpossibleError where a decision contradicts those before it."""


@record(frozen=False)
class _Step:
    """A variable that was decided, among which values, and the number of the one that holds."""

    variable: str
    options: Sequence[Decided]
    guard: Guard | None
    index: int = 0


class Scenario:
    """The decisions under which a value is looked at: at first none, then one for each open variable met."""

    __slots__ = ("_fixed", "_made", "_touched", "guard", "steps")

    def __init__(self, steps: list[_Step] | None = None, fixed: Mapping[str, Decided] | None = None) -> None:
        self.steps = steps if steps is not None else []
        self.guard: Guard | None = None
        self._made: dict[str, _Step] = {}
        self._fixed: dict[str, Decided] = dict(fixed or {})
        self._touched: list[dict[str, Decided]] = []

    @property
    def decisions(self) -> dict[str, Decided]:
        """The value of each open variable that was looked at, in the order of looking."""
        return dict(self._fixed)

    def decide(self, variable: str, options: Sequence[Decided]) -> Decided:
        """Give the value of an open variable in this scenario; the first option is the default."""
        if variable not in self._fixed:
            position = len(self._made)
            if position == len(self.steps):
                self.steps.append(_Step(variable, options, self.guard))
            step = self._made[variable] = self.steps[position]
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


@record(frozen=False, eq=False)
class _Branch:
    """A variable that a result depends on, and what follows for each of its values: another variable, or the result.

    `asked` is how the evaluation decides the variable where it has no value yet; None while that was not seen.
    """

    variable: str
    asked: _Step | None = None
    by_value: dict[Decided, object] = field(default_factory=dict)
    size: int = 0


class Memory:
    """Results of costly evaluations, each found by the decisions that it looked at.

    An evaluation is deterministic: it looks at one variable first, and at which one then follows from the values of
    those before. So what is kept of one key is a tree, and to look a result up takes as many steps as it has decisions.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[Hashable, object] = {}

    def recall(self, key: Hashable, scenario: Scenario, compute: Callable[[Scenario], T]) -> T:
        """Give what `compute` gives in this scenario, from memory where the same decisions hold."""
        found = self._kept.get(key, _ABSENT)
        while found.__class__ is _Branch:
            found = _followed(found, scenario)
        if found is not _ABSENT:
            return found  # type: ignore[return-value]
        touched: dict[str, Decided] = {}
        made = len(scenario._made)  # noqa: SLF001  (Memory and Scenario are two halves of one mechanism)
        scenario._touched.append(touched)  # noqa: SLF001
        try:
            value = compute(scenario)
        finally:
            scenario._touched.pop()  # noqa: SLF001
            for variable, decided in touched.items():
                scenario.touch(variable, decided)
        if not touched:
            self._kept[key] = value
        elif _DECIDED_SINCE not in touched.values():
            self._keep(key, touched, dict(islice(scenario._made.items(), made, None)), value)  # noqa: SLF001
        return value

    def _keep(self, key: Hashable, touched: Mapping[str, Decided], made: Mapping[str, _Step], value: object) -> None:
        """Keep a result below the variables that it looked at, of which some were decided meanwhile."""
        root = self._kept.setdefault(key, _Branch(next(iter(touched))))
        if not isinstance(root, _Branch) or root.size == _MAX_KEPT:
            return
        below: dict[Any, object] = self._kept
        at: object = key
        for variable, decided in touched.items():
            branch = below.setdefault(at, _Branch(variable))
            if not isinstance(branch, _Branch) or branch.variable != variable:
                return  # a limit was met on one of the ways
            branch.asked = branch.asked or made.get(variable)
            below, at = branch.by_value, decided
        root.size += at not in below
        below[at] = value


def _followed(branch: _Branch, scenario: Scenario) -> object:
    """Give what follows in a scenario, deciding the variable as the evaluation itself would."""
    variable, step = branch.variable, branch.asked
    decided = scenario._fixed.get(variable, UNDECIDED)  # noqa: SLF001
    if step is not None and decided == UNDECIDED:
        scenario.guard, before = step.guard, scenario.guard
        decided = scenario.decide(variable, step.options)
        scenario.guard = before
        if step.guard is not None:
            step.guard(scenario)
    found = branch.by_value.get(decided, _ABSENT)
    if found is not _ABSENT:
        scenario.touch(variable, decided)
    return found


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
