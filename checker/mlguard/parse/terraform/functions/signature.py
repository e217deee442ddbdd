"""What functions ask of their arguments: how many, of which types, and whether they may be null."""

from __future__ import annotations

from collections.abc import Callable

from mlguard.parse.terraform.conversion import converted
from mlguard.parse.terraform.failure import FailureError
from mlguard.parse.terraform.scope import Scope
from mlguard.parse.terraform.type_system import Type, spelled
from mlguard.parse.terraform.values import hidden, is_known, plain, unknown, wrapped
from mlguard.record import record
from mlguard.source import Span
from mlguard.value import Content, Entries, Items, Node


@record()
class Call:
    """The arguments of a call, converted to what the function asks for, and where it is evaluated."""

    arguments: list[Node]
    span: Span
    scope: Scope

    def __getitem__(self, position: int) -> Node:
        """Give an argument."""
        return self.arguments[position]

    def hidden(self) -> Content:
        """Give the Unknown that says which argument hides the result."""
        return hidden(self.arguments)


Run = Callable[[Call], Node | Content]


@record()
class _Parameter:
    kind: Type
    nullable: bool
    repeated: bool


@record()
class Function:
    """A function: `run` gives its value for arguments that fit, unknown ones among them."""

    name: str
    parameters: tuple[_Parameter, ...]
    returns: Type
    run: Run

    def call(self, arguments: list[Node], scope: Scope, span: Span) -> Node:
        """Give the value of a call; FailureError where Terraform refuses it."""
        result = self.run(Call(self._fitted(arguments), span, scope))
        node = result if isinstance(result, Node) else Node(result, span)
        if self.returns != "any":
            node = converted(node, self.returns)
        return Node(node.content, span, None, node.origins) if node.content is not None else node

    def _fitted(self, arguments: list[Node]) -> list[Node]:
        repeated = bool(self.parameters) and self.parameters[-1].repeated
        least = len(self.parameters) - repeated
        if len(arguments) < least or (len(arguments) > least and not repeated):
            raise FailureError(f"{len(arguments)} arguments are too {'few' if len(arguments) < least else 'many'}")
        found = []
        for position, argument in enumerate(arguments):
            parameter = self.parameters[min(position, len(self.parameters) - 1)]
            if argument.content is None and not parameter.nullable:
                raise FailureError("an argument is null")
            found.append(converted(argument, parameter.kind))
        return found


def function(name: str, signature: str, run: Run) -> Function:
    """Make a function of its signature, as in `string any?* -> list(string)`: `?` for nullable, `*` for repeated."""
    given, _, returns = signature.partition("->")
    parameters = []
    for word in given.split():
        kind = word.rstrip("?*")
        parameters.append(_Parameter(spelled(kind), "?" in word, "*" in word))
    return Function(name, tuple(parameters), spelled(returns.strip()), run)


def known(compute: Callable[..., object]) -> Run:
    """Run a function of plain values where every part of its arguments is known; else its value is unknown."""

    def run(call: Call) -> Node | Content:
        if not all(map(is_known, call.arguments)):
            return call.hidden()
        return wrapped(compute(*map(plain, call.arguments)), call.span)

    return run


def seen(run: Run) -> Run:
    """Give Unknown where an argument itself is unknown; its items may be."""

    def guarded(call: Call) -> Node | Content:
        return call.hidden() if any(unknown(argument.content) for argument in call.arguments) else run(call)

    return guarded


def counted(run: Run) -> Run:
    """Give Unknown where an argument or the number of its items is unknown; each item may be."""

    def guarded(call: Call) -> Node | Content:
        for argument in call.arguments:
            content = argument.content
            if unknown(content) or (isinstance(content, Items | Entries) and content.rest is not None):
                return call.hidden()
        return run(call)

    return guarded
