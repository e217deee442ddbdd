"""The variables of a root: who gives them a value, which values they may have, and how they are told to a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlguard.errors import MlguardError
from mlguard.parse.terraform.constraints import converted
from mlguard.parse.terraform.evaluate import evaluate
from mlguard.parse.terraform.reader import read_body, read_expression
from mlguard.parse.terraform.scope import Instance, Scope
from mlguard.parse.terraform.syntax import (
    Argument,
    Attribute,
    Binary,
    Block,
    Call,
    Expression,
    Literal,
    Name,
    Parenthesis,
)
from mlguard.parse.terraform.values import FailureError, is_scalar, plain, unknown, wrapped
from mlguard.scenario import Decided, Scenario
from mlguard.source import Document, Root, Span
from mlguard.value import Items, Node, Origin, Parameter, Unknown, text_of

_ALTERNATIVES = re.compile(r"\^\((?:\?:)?((?:[\w-]|\\\.)+(?:\|(?:[\w-]|\\\.)+)*)\)\$")
_PRIMITIVE = ("string", "number", "bool")


@dataclass(frozen=True, slots=True)
class Variables:
    """What the user gives: tfvars files relative to the scanned root, and single values as texts."""

    files: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that a validation allows, each with where it is written."""

    nodes: tuple[Node, ...]


class Assignments:
    """The values that files and the command line give to the variables of a root; later ones win."""

    def __init__(self, root: Root, folder: str, given: Variables) -> None:
        self.documents: dict[str, Document] = {}
        self.problems: list[MlguardError] = []
        self.values = dict(given.values)
        self._arguments: dict[str, Argument] = {}
        names = root.names(folder)
        automatic = [name for name in names if name.endswith((".auto.tfvars", ".auto.tfvars.json"))]
        ordered = [name for name in ("terraform.tfvars", "terraform.tfvars.json") if name in names] + automatic
        for path in [*(f"{folder}/{name}" if folder else name for name in ordered), *given.files]:
            self._read(root, path)

    def _read(self, root: Root, path: str) -> None:
        try:
            document = self.documents[path] = root.read(path)
            if path.endswith(".json"):
                from mlguard.parse.terraform.json_syntax import arguments_of  # noqa: PLC0415  (rarely needed)

                self._arguments.update(arguments_of(document))
            else:
                self._arguments.update(read_body(document).arguments)
        except MlguardError as error:
            self.problems.append(error)

    def argument(self, name: str) -> Argument | None:
        """Give the line of a file that sets a variable."""
        return None if name in self.values else self._arguments.get(name)


class RootVariables:
    """The variables of a root, as parameters and as values in a scenario."""

    def __init__(self, instance: Instance, assignments: Assignments) -> None:
        self.instance = instance
        self.assignments = assignments
        self._parameters: dict[str, tuple[Parameter, Domain | None]] = {}

    def parameter(self, name: str, block: Block) -> Parameter:
        """Describe a variable to whoever may choose its value."""
        return self._described(name, block)[0]

    def value(self, name: str, block: Block, scenario: Scenario) -> Node:
        """Give the value of a variable; in each scenario another one where its domain is closed and nobody chose."""
        parameter, domain = self._described(name, block)
        node, what = self._assigned(name, block, parameter, scenario)
        if node is None and domain is not None:
            node, what = self._decided(name, domain, parameter, scenario)
        if node is None:
            node, what = parameter.default, f'default of variable "{name}"'
        if node is None:
            node = Node(Unknown(f"var.{name} has no value"), parameter.name_span)
            what = f'variable "{name}" has no default'
        return replace(node, origins=(Origin(node.span, what, parameter),))

    def _assigned(self, name: str, block: Block, parameter: Parameter, scenario: Scenario) -> tuple[Node | None, str]:
        argument = self.assignments.argument(name)
        if name in self.assignments.values:
            node = self._from_text(self.assignments.values[name], block, parameter.name_span, scenario)
            what = f"set by --var {name}"
        elif argument is not None:
            node = _evaluated(argument.value, Scope(self.instance, argument.document), scenario)
            what = f"set in {argument.document.path}"
        else:
            return None, ""
        node = fitted(node, block, Scope(self.instance, block.document), scenario)
        return (
            (None, "") if node.content is None and parameter.default is not None and _not_null(block) else (node, what)
        )

    def _from_text(self, given: str, block: Block, at: Span, scenario: Scenario) -> Node:
        constraint = block.arguments.get("type")
        kind = getattr(constraint.value, "name", "") if constraint else "string"
        if isinstance(constraint.value if constraint else None, Literal) or kind in _PRIMITIVE:
            return Node(given, at)
        document = Document(f"--var of {block.labels[0] if block.labels else ''}", given)
        try:
            value = evaluate(read_expression(document, 0, len(given)), Scope(self.instance, document), scenario)
            return wrapped(plain(value), at)
        except FailureError as failure:
            return Node(Unknown(failure.message), at)
        except MlguardError as error:
            return Node(given, at) if kind == "any" else Node(Unknown(error.message), at)

    def _decided(self, name: str, domain: Domain, parameter: Parameter, scenario: Scenario) -> tuple[Node | None, str]:
        default = parameter.default
        nodes = {_decision(node): node for node in domain.nodes}
        what = f'allowed value of variable "{name}"'
        if default is not None and (is_scalar(default.content) or default.content is None):
            key = _decision(default)
            nodes.pop(key, None)
            nodes = {key: default, **nodes}
        chosen = scenario.decide(f"var.{name}", tuple(nodes))
        node = nodes.get(chosen)
        if node is default and default is not None:
            what = f'default of variable "{name}"'
        return node, what

    def _described(self, name: str, block: Block) -> tuple[Parameter, Domain | None]:
        if name not in self._parameters:
            scope = Scope(self.instance, block.document)
            span = block.document.span(block.start, block.end)
            header = block.document.span(block.start, block.header_end)
            given = block.arguments.get("default")
            default = None
            if given is not None:
                default = replace(
                    fitted(_evaluated(given.value, scope, Scenario()), block, scope, Scenario()), origins=()
                )
                default = replace(default, key_span=given.document.span(given.start, given.end))
            self._parameters[name] = (Parameter(name, span, header, default), None)
            domain, pattern = _validations(name, block, scope)
            allowed = None
            if domain is not None:
                allowed = tuple(shown for node in domain.nodes if (shown := text_of(node.content)) is not None)
            self._parameters[name] = (Parameter(name, span, header, default, allowed, pattern), domain)
        return self._parameters[name]


def _decision(node: Node) -> Decided:
    content = node.content
    return content if content is None or isinstance(content, str | int | float | bool) else None


def _not_null(block: Block) -> bool:
    nullable = block.arguments.get("nullable")
    return nullable is not None and isinstance(nullable.value, Literal) and nullable.value.value is False


def _evaluated(expression: Expression, scope: Scope, scenario: Scenario) -> Node:
    try:
        return evaluate(expression, scope, scenario)
    except FailureError as failure:
        return Node(Unknown(failure.message), scope.span(expression))


def fitted(node: Node, block: Block, scope: Scope, scenario: Scenario) -> Node:
    """Convert a value to the type of a variable; an Unknown where it does not fit."""
    constraint = block.arguments.get("type")
    if constraint is None:
        return node
    try:
        return converted(node, constraint.value, scope, scenario)
    except FailureError as failure:
        name = block.labels[0] if block.labels else ""
        return replace(node, content=Unknown(f"the value of var.{name} does not fit its type: {failure.message}"))


def module_value(name: str, block: Block, instance: Instance, scenario: Scenario) -> Node:
    """Give the value of a variable of a called module: what the call says, else the default."""
    scope = Scope(instance, block.document)
    argument = instance.argument(name)
    module = instance.call.labels[0] if instance.call and instance.call.labels else ""
    if argument is not None and instance.scope is not None:
        outside = replace(instance.scope, document=argument.document)
        node = _evaluated(argument.value, outside, scenario)
        node = fitted(node, block, scope, scenario)
        if node.content is not None or not _not_null(block):
            origin = Origin(outside.span(argument.value), f'argument "{name}" of module "{module}"')
            return replace(node, origins=(origin, *node.origins))
    default = block.arguments.get("default")
    header = block.document.span(block.start, block.header_end)
    if default is None:
        node = Node(Unknown(f'var.{name} of module "{module}" has no value'), header)
        return replace(node, origins=(Origin(header, f'variable "{name}" has no default'),))
    node = fitted(_evaluated(default.value, scope, scenario), block, scope, scenario)
    return replace(node, origins=(Origin(node.span, f'default of variable "{name}"'),))


def _validations(name: str, block: Block, scope: Scope) -> tuple[Domain | None, str]:
    """Read the domain and the pattern that the validations of a variable describe."""
    domain: Domain | None = None
    pattern = ""
    for inner in block.blocks:
        condition = inner.arguments.get("condition")
        if inner.type != "validation" or condition is None:
            continue
        found = _domain(condition.value, name, scope)
        if found is not None:
            domain = found if domain is None else _both(domain, found)
        pattern = pattern or _pattern(condition.value, name, scope)
    if domain is not None:
        domain = Domain(tuple(fitted(node, block, scope, Scenario()) for node in domain.nodes))
    return (domain if domain and domain.nodes else None), pattern


def _both(first: Domain, second: Domain) -> Domain:
    kept = {_decision(node) for node in second.nodes}
    return Domain(tuple(node for node in first.nodes if _decision(node) in kept))


def _is_variable(expression: Expression, name: str) -> bool:
    while isinstance(expression, Parenthesis):
        expression = expression.value
    return (
        isinstance(expression, Attribute)
        and expression.name == name
        and isinstance(expression.target, Name)
        and expression.target.name == "var"
    )


def _constant(expression: Expression, scope: Scope) -> Node | None:
    """Evaluate what does not depend on an open variable; None where that is not possible."""
    scenario = Scenario()
    node = _evaluated(expression, scope, scenario)
    return None if scenario.decisions or unknown(node.content) else node


def _domain(condition: Expression, name: str, scope: Scope) -> Domain | None:
    if isinstance(condition, Parenthesis):
        return _domain(condition.value, name, scope)
    if isinstance(condition, Binary):
        return _combined(condition, name, scope)
    if not isinstance(condition, Call) or not condition.arguments:
        return None
    if condition.name == "contains" and len(condition.arguments) > 1 and _is_variable(condition.arguments[1], name):
        found = _constant(condition.arguments[0], scope)
        if found is None or not isinstance(found.content, Items) or found.content.rest is not None:
            return None
        return Domain(found.content.nodes) if all(is_scalar(node.content) for node in found.content.nodes) else None
    alternatives = _ALTERNATIVES.fullmatch(_pattern(condition, name, scope))
    if alternatives is None:
        return None
    span = scope.span(condition)
    return Domain(tuple(Node(text.replace("\\.", "."), span) for text in alternatives[1].split("|")))


def _combined(condition: Binary, name: str, scope: Scope) -> Domain | None:
    if condition.operator == "==":
        for side, other in ((condition.left, condition.right), (condition.right, condition.left)):
            if _is_variable(side, name) and isinstance(other, Literal):
                return Domain((Node(other.value, scope.span(other)),))
        return None
    if condition.operator not in ("||", "&&"):
        return None
    parts, left = [condition.right], condition.left
    while isinstance(left, Binary) and left.operator == condition.operator:
        parts.append(left.right)
        left = left.left
    domains = [_domain(part, name, scope) for part in (left, *reversed(parts))]
    if condition.operator == "||":
        known = [domain for domain in domains if domain is not None]
        return Domain(tuple(node for domain in known for node in domain.nodes)) if len(known) == len(domains) else None
    closed = [domain for domain in domains if domain is not None]
    result = closed[0] if closed else None
    for domain in closed[1:]:
        result = _both(result, domain) if result else None
    return result


def _pattern(condition: Expression, name: str, scope: Scope) -> str:
    """Give the regular expression that a condition asks of a variable, empty where it asks for none."""
    if isinstance(condition, Parenthesis):
        return _pattern(condition.value, name, scope)
    if isinstance(condition, Binary) and condition.operator == "&&":
        return _pattern(condition.left, name, scope) or _pattern(condition.right, name, scope)
    if not isinstance(condition, Call):
        return ""
    if condition.name == "can" and condition.arguments:
        inner = condition.arguments[0]
        if isinstance(inner, Call) and inner.name == "regex" and len(inner.arguments) > 1:
            return _text(inner.arguments[0]) if _is_variable(inner.arguments[1], name) else ""
    if condition.name == "startswith" and len(condition.arguments) > 1 and _is_variable(condition.arguments[0], name):
        return "^" + re.escape(_text(condition.arguments[1])) if _text(condition.arguments[1]) else ""
    return ""


def _text(expression: Expression) -> str:
    return expression.value if isinstance(expression, Literal) and isinstance(expression.value, str) else ""
