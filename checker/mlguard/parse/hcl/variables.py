"""Variables: their declaration, the values that the user gives, and Terraform's conversion of types."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mlguard.parse.hcl.conversion import InvalidError, SetItems, as_number, as_truth
from mlguard.parse.hcl.syntax import Syntax
from mlguard.parse.hcl.template import unescape
from mlguard.scenario import Decided, Scenario
from mlguard.source import Document, Span
from mlguard.value import Content, Entries, Items, Node, Origin, Parameter, Scalar, Unknown, settle, text_of

_MAX_TYPE_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Given:
    """A value that the user gives a variable, and where in words."""

    node: Node
    what: str


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """A declared variable; `allowed` is its closed domain as its validation writes it."""

    name: str
    header: Span
    document: Document
    type: Syntax | None
    default: Syntax | None
    allowed: tuple[tuple[Scalar, Span], ...]
    parameter: Parameter

    @property
    def has_default(self) -> bool:
        """Whether a module call may leave it out."""
        return self.default is not None

    def options(self) -> tuple[Decided, ...]:
        """Give the values of its closed domain, the default first."""
        values = tuple(value for value, _ in self.allowed)
        default = self.default_scalar()
        return (default, *(value for value in values if value != default)) if default in values else values

    def default_scalar(self) -> Scalar:
        """Give a default that is a plain literal."""
        return literal(self.default) if self.default is not None else None

    def origin_of(self, chosen: Decided) -> Origin:
        """Give the place in the validation that allows a value."""
        span = next((place for value, place in self.allowed if value == chosen), self.header)
        return Origin(span, f'value that variable "{self.name}" allows', self.parameter)

    def typed(self, value: Decided) -> Content:
        """Give a value of the domain in the variable's type."""
        return _scalar_as(value, self._type_name())

    def _type_name(self) -> str:
        return str(self.type.parts[0]) if self.type is not None and self.type.kind == "name" else ""

    def fallback(self, at: Span) -> Node:
        """Give the unknown value of a variable that nobody gave one."""
        because = f'var.{self.name} has no value: variable "{self.name}" has no default'
        return Node(Unknown(because), at, None, (Origin(self.header, "it has no default", self.parameter),))

    def converted(self, node: Node, scenario: Scenario) -> Node:
        """Convert a value to the variable's type: texts to numbers and back, missing attributes to their defaults."""
        if self.type is None:
            return node
        return _as_type(node, self.type, scenario, 0)


def read_variable(name: str, header: Span, document: Document, body: Syntax | None) -> Variable:
    """Read a `variable` block."""
    attributes: dict[str, Syntax] = {}
    conditions: list[Syntax] = []
    for part in body.parts if body is not None else ():
        if part.kind == "attribute":
            attributes[part.parts[0]] = part.parts[1]
        elif part.parts[0] == "validation":
            inner = {one.parts[0]: one.parts[1] for one in part.parts[2].parts if one.kind == "attribute"}
            if "condition" in inner:
                conditions.append(inner["condition"])
    allowed: tuple[tuple[Scalar, Span], ...] = ()
    pattern = ""
    for condition in conditions:
        found = _domain(condition, name)
        if found:
            allowed = tuple((literal(one), document.span(one.start, one.end)) for one in found)
        pattern = pattern or _pattern(condition, name)
    default = attributes.get("default")
    default_node = Node(literal(default), document.span(default.start, default.end)) if default is not None else None
    texts = tuple(text for value, _ in allowed if (text := text_of(value)) is not None)
    parameter = Parameter(name, header, header, default_node, texts or None, pattern)
    return Variable(name, header, document, attributes.get("type"), default, allowed, parameter)


def literal(syntax: Syntax) -> Scalar:
    """Give the value of a plain literal, None for everything else."""
    if syntax.kind == "literal":
        value: Scalar = syntax.parts[0]
        return value
    if syntax.kind == "template" and all(isinstance(part, str) for part in syntax.parts):
        return unescape("".join(syntax.parts))
    return None


def _is_variable(syntax: Syntax, name: str) -> bool:
    base = syntax.parts[0] if syntax.kind == "attr" else None
    return isinstance(base, Syntax) and base.kind == "name" and base.parts[0] == "var" and syntax.parts[1] == name


def _domain(condition: Syntax, name: str) -> list[Syntax]:
    """Read a closed domain: `contains([...], var.x)`, `var.x == "a" || var.x == "b"`."""
    if condition.kind == "parentheses":
        return _domain(condition.parts[0], name)
    if condition.kind == "call" and condition.parts[0] == "contains" and len(condition.parts[1]) == 2:  # noqa: PLR2004
        listed, subject = condition.parts[1]
        if listed.kind == "call" and listed.parts[0] in ("toset", "tolist") and listed.parts[1]:
            listed = listed.parts[1][0]
        if listed.kind == "list" and _is_variable(subject, name):
            found = list(listed.parts)
            return found if all(literal(one) is not None for one in found) else []
    if condition.kind == "binary" and condition.parts[0] == "==":
        for one, other in (condition.parts[1:], condition.parts[:0:-1]):
            if _is_variable(one, name) and literal(other) is not None:
                return [other]
    if condition.kind == "binary" and condition.parts[0] == "||":
        left, right = (_domain(part, name) for part in condition.parts[1:])
        return [*left, *right] if left and right else []
    if condition.kind == "binary" and condition.parts[0] == "&&":
        return _domain(condition.parts[1], name) or _domain(condition.parts[2], name)
    return []


def _pattern(condition: Syntax, name: str) -> str:
    """Read `can(regex("…", var.x))`, `length(regexall("…", var.x)) > 0` and `startswith(var.x, "…")`."""
    stack = [condition]
    while stack:
        node = stack.pop()
        if node.kind == "call" and node.parts[0] in ("regex", "regexall") and len(node.parts[1]) == 2:  # noqa: PLR2004
            pattern, subject = node.parts[1]
            if _is_variable(subject, name):
                return str(literal(pattern) or "")
        if node.kind == "call" and node.parts[0] == "startswith" and len(node.parts[1]) == 2:  # noqa: PLR2004
            subject, prefix = node.parts[1]
            if _is_variable(subject, name) and isinstance(literal(prefix), str):
                return f"^{re.escape(str(literal(prefix)))}.*$"
        if node.kind == "unary":
            continue  # what must not match bounds nothing
        for part in node.parts:
            if isinstance(part, Syntax):
                stack.append(part)
            elif isinstance(part, tuple):
                stack.extend(one for one in part if isinstance(one, Syntax))
    return ""


def _scalar_as(value: Scalar, wanted: str) -> Scalar:
    try:
        if wanted == "number" and value is not None:
            return as_number(value)
        if wanted == "bool" and value is not None:
            return as_truth(value)
    except InvalidError:
        return value
    return text_of(value) if wanted == "string" and value is not None else value


def _as_type(node: Node, wanted: Syntax, scenario: Scenario, depth: int) -> Node:
    settled = settle(node, scenario)
    content = settled.content
    if depth > _MAX_TYPE_DEPTH or content is None or isinstance(content, Unknown):
        return settled
    if wanted.kind == "name":
        if isinstance(content, str | int | float | bool):
            return replace(settled, content=_scalar_as(content, str(wanted.parts[0])))
        return settled
    if wanted.kind != "call":
        return settled
    name, arguments, _ = wanted.parts
    inner = arguments[0] if arguments else None
    if name in ("list", "set", "tuple") and isinstance(content, Items) and inner is not None:
        nodes = (
            tuple(_as_type(item, inner, scenario, depth + 1) for item in content.nodes)
            if name != "tuple"
            else content.nodes
        )
        made = SetItems(nodes, content.rest) if name == "set" else Items(nodes, content.rest)
        return replace(settled, content=made)
    if name == "map" and isinstance(content, Entries) and inner is not None:
        below = {key: _as_type(value, inner, scenario, depth + 1) for key, value in content.nodes.items()}
        return replace(settled, content=Entries(below, content.rest))
    if name == "object" and isinstance(content, Entries) and inner is not None and inner.kind == "object":
        return replace(settled, content=_as_object(content, inner, settled, scenario, depth))
    return settled


def _as_object(content: Entries, shape: Syntax, at: Node, scenario: Scenario, depth: int) -> Entries:
    nodes = dict(content.nodes)
    for entry in shape.parts:
        key_syntax, type_syntax = entry.parts
        key = str(key_syntax.parts[0]) if key_syntax.kind == "name" else str(literal(key_syntax))
        optional = type_syntax.kind == "call" and type_syntax.parts[0] == "optional"
        inner = type_syntax.parts[1][0] if optional and type_syntax.parts[1] else type_syntax
        if key in nodes and settle(nodes[key], scenario).content is not None:
            nodes[key] = _as_type(nodes[key], inner, scenario, depth + 1)
        elif optional and len(type_syntax.parts[1]) > 1 and content.rest is None:
            nodes[key] = Node(_literal_content(type_syntax.parts[1][1], at.span), at.span)
    return Entries(nodes, content.rest)


def _literal_content(syntax: Syntax, at: Span) -> Content:
    if syntax.kind == "list":
        return Items(tuple(Node(_literal_content(part, at), at) for part in syntax.parts))
    if syntax.kind == "object":
        entries = {str(one.parts[0].parts[-1]): Node(_literal_content(one.parts[1], at), at) for one in syntax.parts}
        return Entries(entries)
    return literal(syntax)
