"""An SCP as somebody wrote it: its statements with the place of every part, and the faults of its form."""

from __future__ import annotations

from typing import Literal

from mlguard.record import field, record
from mlguard.source import Span
from mlguard.value import Unknown

VERSION = "2012-10-17"
_KINDS = {"String": ("Equals", "EqualsIgnoreCase", "Like"), "Arn": ("Equals", "Like")}
_ORDER = ("Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
NEGATED = frozenset(
    [f"{kind}Not{how}" for kind, ways in _KINDS.items() for how in ways]
    + ["NumericNotEquals", "DateNotEquals", "NotIpAddress"]
)
OPERATORS = (
    NEGATED
    | {f"{kind}{how}" for kind, ways in _KINDS.items() for how in ways}
    | {f"{kind}{how}" for kind in ("Numeric", "Date") for how in _ORDER}
    | {"Bool", "BinaryEquals", "IpAddress", "Null"}
)
ErrorOrWarning = Literal["error", "warning"]


@record()
class Fault:
    """Something wrong with an SCP: an `error` makes it dangerous or void, a `warning` is worth a look.

    `check` names the check in kebab case; `line` and `column` count from 1; `sid` is empty outside of statements.
    `correction` is what to write instead, empty where that depends on what was meant.
    """

    check: str
    message: str
    line: int = 0
    column: int = 0
    sid: str = ""
    severity: ErrorOrWarning = "error"
    path: str = ""
    correction: str = ""


@record()
class Text:
    """A text of an SCP, and where it stands."""

    value: str
    at: Span


@record()
class Test:
    """One condition: `ForAnyValue:StringNotLike` on a key; all tests of a statement must hold together.

    `open` tells that there may be more values than the known ones.
    """

    operator: Text
    qualifier: str
    base: str
    if_exists: bool
    key: Text
    values: tuple[Text, ...]
    open: bool = False

    @property
    def negated(self) -> bool:
        """Tell whether the test holds for values that are not listed."""
        return self.base in NEGATED

    @property
    def holds_without_key(self) -> bool:
        """Tell whether the test also holds for a request that does not carry the key."""
        if self.base == "Null":
            return any(value.value.lower() == "true" for value in self.values)
        if self.qualifier:
            return self.qualifier == "ForAllValues"
        return self.negated or self.if_exists


@record()
class WrittenStatement:
    """One statement; `not_action` and `not_resource` tell that the lists name what it is not about.

    `open_actions`, `open_resources` and `open_tests` tell that there may be more of them than the known ones.
    """

    at: Span
    sid: str
    effect: str
    actions: tuple[Text, ...]
    resources: tuple[Text, ...]
    tests: tuple[Test, ...]
    not_action: bool = False
    not_resource: bool = False
    open_actions: bool = False
    open_resources: bool = False
    open_tests: bool = False

    def fault(
        self,
        check: str,
        message: str,
        at: Span | None = None,
        severity: ErrorOrWarning = "error",
        correction: str = "",
    ) -> Fault:
        """Make a fault of this statement, at one of its parts or at its beginning."""
        place = at or self.at
        return Fault(check, message, place.line, place.column, self.sid, severity, place.path, correction)


@record(frozen=False)
class WrittenScp:
    """What could be read of an SCP: statements, what is wrong with its form, and why more of it is not known."""

    statements: list[WrittenStatement] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    hidden: list[Unknown] = field(default_factory=list)
