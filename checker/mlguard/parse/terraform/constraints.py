"""Type constraints of variables: values are converted to them, and optional attributes get their defaults."""

from __future__ import annotations

from dataclasses import replace

from mlguard.parse.terraform.evaluate import evaluate
from mlguard.parse.terraform.scope import Scope
from mlguard.parse.terraform.syntax import Block, Call, Expression, Literal, Name, ObjectExpression
from mlguard.parse.terraform.values import FailureError, SetItems, boolean, number, text, unknown
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, text_of

_MAX_DEPTH = 30


def converted(  # noqa: C901  (one branch for each kind of type)
    node: Node, constraint: Expression, scope: Scope, scenario: Scenario, depth: int = 0
) -> Node:
    """Convert a value as Terraform does when it reaches a variable; FailureError where it does not fit."""
    content = node.content
    if depth > _MAX_DEPTH:
        raise FailureError(f"the type is nested more than {_MAX_DEPTH} levels deep")
    if content is None or unknown(content):
        return node
    if isinstance(constraint, Name | Literal):
        return _scalar(node, constraint.name if isinstance(constraint, Name) else str(constraint.value))
    if not isinstance(constraint, Call) or not constraint.arguments:
        return node
    inner = constraint.arguments[0]

    def below(item: Node) -> Node:
        return converted(item, inner, scope, scenario, depth + 1)

    if constraint.name in ("list", "set"):
        if not isinstance(content, Items):
            raise FailureError(f"a {constraint.name} was expected")
        nodes = tuple(below(item) for item in content.nodes)
        return replace(
            node, content=SetItems(nodes, content.rest) if constraint.name == "set" else Items(nodes, content.rest)
        )
    if constraint.name == "map":
        if not isinstance(content, Entries):
            raise FailureError("a map was expected")
        entries = {key: replace(below(item), key_span=item.key_span) for key, item in content.nodes.items()}
        return replace(node, content=Entries(entries, content.rest))
    if constraint.name == "object" and isinstance(inner, ObjectExpression):
        return _object(node, inner, scope, scenario, depth)
    return node


def _scalar(node: Node, name: str) -> Node:
    content: Content = node.content
    if name == "string" and not isinstance(content, str):
        content = text(content)
    elif name == "number":
        content = number(content)
    elif name == "bool":
        content = boolean(content)
    elif name in ("list", "map") and not isinstance(content, Items | Entries):
        raise FailureError(f"a {name} was expected")
    return node if content is node.content else replace(node, content=content)


def _object(node: Node, shape: ObjectExpression, scope: Scope, scenario: Scenario, depth: int) -> Node:
    content = node.content
    if not isinstance(content, Entries):
        raise FailureError("an object was expected")
    nodes: dict[str, Node] = {}
    for key, constraint in shape.pairs:
        name = key.name if isinstance(key, Name) else text_of(getattr(key, "value", None)) or ""
        optional = isinstance(constraint, Call) and constraint.name == "optional" and bool(constraint.arguments)
        arguments = constraint.arguments if optional and isinstance(constraint, Call) else [constraint]
        given = content.nodes.get(name)
        if given is None and content.rest is not None:
            continue
        if given is None and not optional:
            raise FailureError(f"the object has no {name!r}")
        if (given is None or given.content is None) and len(arguments) > 1:
            given = evaluate(arguments[1], scope, scenario)
        if given is None:
            given = Node(None, node.span)
        done = converted(given, arguments[0], scope, scenario, depth + 1)
        nodes[name] = replace(done, key_span=given.key_span)
    return replace(node, content=Entries(nodes, content.rest))


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
