"""What the validations of a variable say about its values: a closed domain, or a pattern."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlguard.parse.terraform.constraints import fitted
from mlguard.parse.terraform.evaluate import evaluate_softly
from mlguard.parse.terraform.scope import Scope
from mlguard.parse.terraform.syntax import (
    Attribute,
    Binary,
    Block,
    Call,
    Conditional,
    Expression,
    Index,
    ListExpression,
    Literal,
    Name,
    Parenthesis,
)
from mlguard.parse.terraform.values import is_scalar, unknown
from mlguard.patterns import alternatives
from mlguard.record import record
from mlguard.scenario import Decided, Scenario
from mlguard.source import Span
from mlguard.value import Entries, Items, Node

_SAME_VALUE = frozenset({"lower", "upper", "trimspace", "tostring", "tonumber", "nonsensitive"})


@record()
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
        pattern = pattern or _pattern(condition.value, name)
    if domain is not None:
        domain = Domain(tuple(fitted(node, block, scope, Scenario()) for node in domain.nodes))
    return (domain if domain and domain.nodes else None), pattern


def _both(first: Domain, second: Domain) -> Domain:
    kept = {decision(node) for node in second.nodes}
    return Domain(tuple(node for node in first.nodes if decision(node) in kept))


def both_truths(span: Span) -> Domain:
    """Give the domain of a variable that is true or false and that nobody gives a value."""
    return Domain((Node(True, span), Node(False, span)))  # noqa: FBT003  (the content of a node)


def _is_variable(expression: Expression, name: str) -> bool:
    """Tell whether an expression is the variable, whatever the case that its value is brought to."""
    while isinstance(expression, Parenthesis | Call):
        if isinstance(expression, Parenthesis):
            expression = expression.value
        elif expression.name in _SAME_VALUE and len(expression.arguments) == 1:
            expression = expression.arguments[0]
        else:
            return False
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
    """Give the values for which a condition may hold; None where they are not a list."""
    if isinstance(condition, Parenthesis):
        return _domain(condition.value, name, scope)
    if isinstance(condition, Binary):
        return _combined(condition, name, scope)
    if isinstance(condition, Conditional):
        return _unless_null(condition, name, scope)
    if not isinstance(condition, Call) or not condition.arguments:
        return None
    first = condition.arguments[0]
    if condition.name == "contains" and len(condition.arguments) > 1 and _is_variable(condition.arguments[1], name):
        return _listed(first, scope)
    if condition.name in ("anytrue", "alltrue") and isinstance(first, ListExpression):
        return _joined("||" if condition.name == "anytrue" else "&&", first.items, name, scope)
    if condition.name == "can" and isinstance(first, Call | Index):
        found = _looked_up(first, name, scope)
        if found is not None:
            return found
    return _of_pattern(condition, name, scope)


def _of_pattern(condition: Expression, name: str, scope: Scope) -> Domain | None:
    """Give the texts that a regular expression matches, where it only lists them."""
    found = alternatives(_pattern(condition, name))
    if found is None:
        return None
    span = scope.span(condition)
    return Domain(tuple(Node(text, span) for text in found))


def _listed(collection: Expression, scope: Scope) -> Domain | None:
    """Give the items of a list that is written out, or the keys of a map."""
    found = _constant(collection, scope)
    if found is None or not isinstance(found.content, Items | Entries) or found.content.rest is not None:
        return None
    if isinstance(found.content, Entries):
        return Domain(tuple(Node(key, node.key_span or node.span) for key, node in found.content.nodes.items()))
    return Domain(found.content.nodes) if all(is_scalar(node.content) for node in found.content.nodes) else None


def _looked_up(expression: Call | Index, name: str, scope: Scope) -> Domain | None:
    """Read `index(list, var.x)` and `map[var.x]`, which fail for every other value."""
    if isinstance(expression, Index):
        collection, key = expression.target, expression.key
    elif expression.name == "index" and len(expression.arguments) > 1:
        collection, key = expression.arguments[:2]
    else:
        return None
    found = _listed(collection, scope) if _is_variable(key, name) else None
    is_list = isinstance(expression, Index) and found is not None and not _is_map(collection, scope)
    return None if is_list else found


def _is_map(collection: Expression, scope: Scope) -> bool:
    found = _constant(collection, scope)
    return found is not None and isinstance(found.content, Entries)


def _unless_null(condition: Conditional, name: str, scope: Scope) -> Domain | None:
    """Read `var.x == null ? true : contains(...)`, and the same the other way round."""
    test = condition.condition
    if not isinstance(test, Binary) or test.operator not in ("==", "!="):
        return None
    without, with_value = (condition.yes, condition.no) if test.operator == "==" else (condition.no, condition.yes)
    empty = _domain(Binary(test.start, test.end, "==", test.left, test.right), name, scope)
    allowed = _domain(with_value, name, scope)
    if empty is None or allowed is None or not isinstance(without, Literal) or without.value is not True:
        return None
    return Domain((*allowed.nodes, *empty.nodes))


def _combined(condition: Binary, name: str, scope: Scope) -> Domain | None:
    if condition.operator == "==":
        for side, other in ((condition.left, condition.right), (condition.right, condition.left)):
            if _is_variable(side, name) and isinstance(other, Literal):
                return Domain((Node(other.value, scope.span(other)),))
        return None
    if condition.operator not in ("||", "&&"):
        return _of_pattern(condition, name, scope)
    parts, left = [condition.right], condition.left
    while isinstance(left, Binary) and left.operator == condition.operator:
        parts.append(left.right)
        left = left.left
    return _joined(condition.operator, [left, *reversed(parts)], name, scope)


def _joined(operator: str, parts: Sequence[Expression], name: str, scope: Scope) -> Domain | None:
    """Join the domains of several conditions, of which all must hold or any."""
    domains = [_domain(part, name, scope) for part in parts]
    closed = [domain for domain in domains if domain is not None]
    if operator == "||":
        return Domain(tuple(node for domain in closed for node in domain.nodes)) if len(closed) == len(parts) else None
    result = closed[0] if closed else None
    for domain in closed[1:]:
        result = _both(result, domain) if result else None
    return result


def _pattern(condition: Expression, name: str) -> str:
    """Give the regular expression that a condition asks of a variable, empty where it asks for none."""
    if isinstance(condition, Parenthesis):
        return _pattern(condition.value, name)
    if isinstance(condition, Binary) and condition.operator == "&&":
        return _pattern(condition.left, name) or _pattern(condition.right, name)
    if isinstance(condition, Binary):
        return _matches(condition.left, "regexall", name) if _is_more_than_none(condition) else ""
    if not isinstance(condition, Call) or not condition.arguments:
        return ""
    first = condition.arguments[0]
    if condition.name == "can":
        return _matches(first, "regex", name)
    if condition.name == "startswith" and len(condition.arguments) > 1 and _is_variable(first, name):
        start = _text(condition.arguments[1])
        return "^" + re.escape(start) if start else ""
    return ""


def _is_more_than_none(condition: Binary) -> bool:
    """Recognise `length(…) > 0`, `length(…) != 0` and `length(…) >= 1`."""
    found = condition.left
    if not isinstance(found, Call) or found.name != "length" or not isinstance(condition.right, Literal):
        return False
    return (condition.operator, condition.right.value) in {(">", 0), ("!=", 0), (">=", 1), ("==", 1)}


def _matches(expression: Expression, function: str, name: str) -> str:
    if isinstance(expression, Call) and expression.name == "length" and expression.arguments:
        expression = expression.arguments[0]
    if not isinstance(expression, Call) or expression.name != function or len(expression.arguments) < 2:  # noqa: PLR2004  (pattern, text)
        return ""
    return _text(expression.arguments[0]) if _is_variable(expression.arguments[1], name) else ""


def _text(expression: Expression) -> str:
    return expression.value if isinstance(expression, Literal) and isinstance(expression.value, str) else ""
