"""Type constraints of variables: values are converted to them, and optional attributes get their defaults."""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.parse.terraform.conversion import converted
from mlguard.parse.terraform.evaluate import evaluate
from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.scope import Scope
from mlguard.parse.terraform.syntax import Block, Call, Expression, ListExpression, Literal, Name, ObjectExpression
from mlguard.parse.terraform.type_system import Collection, Object, Tuple, Type, spelled
from mlguard.record import replace
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, text_of

_MAX_DEPTH = 30
_PRIMITIVES = ("string", "number", "bool", "any")
_COLLECTIONS = ("list", "set", "map")


def fitted(node: Node, block: Block, scope: Scope, scenario: Scenario) -> Node:
    """Convert a value to the type of a variable; an Unknown where it does not fit."""
    constraint = block.arguments.get("type")
    if constraint is None:
        return node
    try:
        return converted(_defaulted(node, constraint.value, scope, scenario), type_read(constraint.value))
    except FailureError as failure:
        name = block.labels[0] if block.labels else ""
        return replace(node, content=Unknown(f"the value of var.{name} does not fit its type: {failure.message}"))


def type_read(constraint: Expression, depth: int = 0) -> Type:
    """Read a type constraint; FailureError where it is none."""
    if depth > _MAX_DEPTH:
        raise NotEvaluatedError(f"the type is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(constraint, Name | Literal):
        name = constraint.name if isinstance(constraint, Name) else str(constraint.value)
        if name in _COLLECTIONS:
            return spelled(f"{name}(any)")
        if name in _PRIMITIVES:
            return spelled(name)
    elif isinstance(constraint, Call) and constraint.arguments:
        inner = constraint.arguments[0]
        if constraint.name in _COLLECTIONS:
            return Collection(constraint.name, type_read(inner, depth + 1))  # type: ignore[arg-type]
        if constraint.name == "optional":
            return type_read(inner, depth + 1)
        if constraint.name == "tuple" and isinstance(inner, ListExpression):
            return Tuple(tuple(type_read(item, depth + 1) for item in inner.items))
        if constraint.name == "object" and isinstance(inner, ObjectExpression):
            attributes = {name: type_read(below, depth + 1) for name, below in _attributes(inner)}
            return Object(attributes, frozenset(name for name, below in _attributes(inner) if _optional(below)))
    raise FailureError("the type is not one of Terraform's")


def _attributes(shape: ObjectExpression) -> Iterator[tuple[str, Expression]]:
    for key, constraint in shape.pairs:
        yield key.name if isinstance(key, Name) else text_of(getattr(key, "value", None)) or "", constraint


def _optional(constraint: Expression) -> bool:
    return isinstance(constraint, Call) and constraint.name == "optional"


def _defaulted(node: Node, constraint: Expression, scope: Scope, scenario: Scenario) -> Node:
    """Put the defaults of optional attributes where a value has none, however deep."""
    if not isinstance(constraint, Call) or not constraint.arguments:
        return node
    inner, content = constraint.arguments[0], node.content
    found: Content = content
    if constraint.name == "optional":
        return _defaulted(node, inner, scope, scenario)
    if constraint.name == "object" and isinstance(inner, ObjectExpression) and isinstance(content, Entries):
        found = replace(content, nodes=_object(content, inner, scope, scenario))
    elif constraint.name == "map" and isinstance(content, Entries):
        nodes = {
            key: replace(_defaulted(below, inner, scope, scenario), key_span=below.key_span)
            for key, below in content.nodes.items()
        }
        found = replace(content, nodes=nodes)
    elif constraint.name in ("list", "set") and isinstance(content, Items):
        found = Items(tuple(_defaulted(item, inner, scope, scenario) for item in content.nodes), content.rest)
    elif constraint.name == "tuple" and isinstance(inner, ListExpression) and type(content) is Items:
        pairs = zip(content.nodes, inner.items, strict=False)
        items = tuple(_defaulted(item, below, scope, scenario) for item, below in pairs)
        found = replace(content, nodes=items + content.nodes[len(items) :])
    return replace(node, content=found)


def _object(given: Entries, shape: ObjectExpression, scope: Scope, scenario: Scenario) -> dict[str, Node]:
    nodes = dict(given.nodes)
    for name, constraint in _attributes(shape):
        node = nodes.get(name)
        if node is None and given.rest is not None:
            continue
        if (
            (node is None or node.content is None)
            and isinstance(constraint, Call)
            and _optional(constraint)
            and len(constraint.arguments) > 1
        ):
            default = evaluate(constraint.arguments[1], scope, scenario)
            node = replace(default, key_span=node.key_span if node else None)
        if node is not None:
            nodes[name] = replace(_defaulted(node, constraint, scope, scenario), key_span=node.key_span)
    return nodes
