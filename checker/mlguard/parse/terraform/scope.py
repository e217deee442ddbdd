"""Where an expression is evaluated: the module instance, the file, and the names bound around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from mlguard.parse.terraform.configuration import Configuration
from mlguard.parse.terraform.failure import NotEvaluatedError
from mlguard.parse.terraform.syntax import Argument, Block, Expression
from mlguard.record import field, record, replace
from mlguard.resource import Related, always
from mlguard.scenario import Memory, Scenario
from mlguard.source import Document, Root, Span
from mlguard.value import Node, Unknown

Step = str | Expression
_MAX_DEPTH = 130
_MAX_STEPS = 50_000
_FREE_STEPS = 2_000
_MAX_COSTLY_STEPS = 1_000_000
_MAX_GENERATED = 20_000


class Budget:
    """How deep and how long evaluation may go: for one value, and for all costly values of a project together."""

    def __init__(self) -> None:
        self.depth = 0
        self._steps = 0
        self._costly = 0
        self._generated = 0

    def enter(self, depth: int = 1, steps: int = 1) -> None:
        """Count a step; NotEvaluatedError beyond a limit. Each call is matched by one of `leave`, even then."""
        self.depth += depth
        self.spend(steps)
        if self.depth > _MAX_DEPTH:
            raise NotEvaluatedError("the expression is nested too deeply to be evaluated")

    def generate(self, blocks: int = 1) -> None:
        """Count blocks that a `dynamic` one generates: few projects have a thousand, and nested ones multiply."""
        self._generated += blocks
        if self._generated > _MAX_GENERATED:
            raise NotEvaluatedError(f"dynamic blocks generate more than {_MAX_GENERATED:,} blocks in this project")

    def spend(self, steps: int) -> None:
        """Count work that does not go deeper."""
        self._steps += steps
        if self._steps > _FREE_STEPS:
            self._costly += steps
            if self._steps > _MAX_STEPS or self._costly > _MAX_COSTLY_STEPS:
                raise NotEvaluatedError("the expression takes too many steps to be evaluated")

    def leave(self, depth: int = 1) -> None:
        """Undo the depth of `enter`."""
        self.depth -= depth
        if self.depth == 0:
            self._steps = 0


class Session(Protocol):
    """What all instances of a project share."""

    root: Root
    folder: str
    memory: Memory
    budget: Budget
    busy: set[object]

    def template(self, path: str, names: Mapping[str, Node]) -> Node:
        """Evaluate a file as a template that knows only these names; FailureError where that fails."""

    def template_of(self, text: str, names: Mapping[str, Node]) -> Node:
        """Evaluate a text as a template that knows only these names; FailureError where that fails."""

    def head(self, name: str, steps: list[Step], scope: Scope, scenario: Scenario, span: Span) -> tuple[Node, int]:
        """Resolve the begin of a reference; gives the value and how many of the steps that took."""


@record(frozen=False, eq=False)
class Instance:
    """One instance of a module: a folder's configuration, called with arguments.

    `prefix` is what its addresses begin with. `scope` is where its arguments are evaluated, None for the root.
    """

    session: Session
    configuration: Configuration
    prefix: str = ""
    call: Block | None = None
    scope: Scope | None = None
    related: tuple[Related, ...] = ()
    exists: Callable[[Scenario], bool | Unknown] = always
    parent: Instance | None = None
    children: dict[object, Instance] = field(default_factory=dict)

    @property
    def level(self) -> int:
        """Count the calls that lead here."""
        return 0 if self.parent is None else self.parent.level + 1

    def argument(self, name: str) -> Argument | None:
        """Give what the call says about a variable."""
        return self.call.arguments.get(name) if self.call else None


@record(eq=False)
class Scope:
    """The surroundings of an expression; `names` are the variables of `for`, and `each`, `count` and iterators.

    Inside of `try` and `can` it is `strict`: there one part without a value leaves the whole without one. Inside of a
    template that is read as a file or a text it is `closed`: nothing but the names is known.
    """

    instance: Instance
    document: Document
    names: Mapping[str, Node] = field(default_factory=dict)
    strict: bool = False
    closed: bool = False

    @property
    def session(self) -> Session:
        """Give what all instances of the project share."""
        return self.instance.session

    def span(self, at: Expression | Argument | Block) -> Span:
        """Give the place of a part of the syntax tree."""
        return self.document.span(at.start, at.end)

    def bind(self, names: Mapping[str, Node]) -> Scope:
        """Give a scope with more names."""
        return replace(self, names={**self.names, **names})
