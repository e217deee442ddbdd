"""What the validations of a variable say about its values: a closed domain, or a pattern."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlguard.parse.terraform.constraints import fitted
from mlguard.parse.terraform.evaluate import evaluate_softly
from mlguard.parse.terraform.scope import Scope
from mlguard.parse.terraform.syntax import (
    Attribute,
    Binary,
    Block,
    Call,
    Expression,
    Literal,
    Name,
    Parenthesis,
)
from mlguard.parse.terraform.values import is_scalar, unknown
from mlguard.scenario import Decided, Scenario
from mlguard.value import Items, Node

_ALTERNATIVES = re.compile(r"\^\((?:\?:)?((?:[\w-]|\\\.)+(?:\|(?:[\w-]|\\\.)+)*)\)\$")


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that a validation allows, each with where it is written."""

    nodes: tuple[Node, ...]


def decision(node: Node) -> Decided:
    """Give a value as a scenario decides it."""
    content = node.content
    return content if content is None or isinstance(content, str | int | float | bool) else None


def validations(name: str, block: Block, scope: Scope) -> tuple[Domain | None, str]:
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
    kept = {decision(node) for node in second.nodes}
    return Domain(tuple(node for node in first.nodes if decision(node) in kept))


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
    node = evaluate_softly(expression, scope, scenario)
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
