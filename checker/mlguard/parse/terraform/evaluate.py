"""Evaluate expressions in one scenario: known values where they are known, reasons where they are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mlguard.parse.terraform.elements import each, joined, step
from mlguard.parse.terraform.functions import call_function
from mlguard.parse.terraform.operators import compute
from mlguard.parse.terraform.scope import Scope, Step
from mlguard.parse.terraform.syntax import (
    Attribute,
    Binary,
    Call,
    Condition,
    Conditional,
    Expression,
    ForList,
    ForObject,
    Index,
    ListExpression,
    Literal,
    Name,
    ObjectExpression,
    Parenthesis,
    Part,
    Repetition,
    Splat,
    Template,
    Unary,
)
from mlguard.parse.terraform.values import (
    FailureError,
    boolean,
    equal,
    hidden,
    number,
    text,
    unchanged_no_more,
    unknown,
)
from mlguard.scenario import Scenario
from mlguard.source import Span
from mlguard.value import Content, Entries, Items, Node, Unknown, settle


def evaluate(expression: Expression, scope: Scope, scenario: Scenario) -> Node:
    """Give the value of an expression, standing where the expression stands; FailureError where there is none."""
    budget = scope.session.budget
    try:
        budget.enter()
        return _EVALUATE[type(expression)](expression, scope, scenario)
    finally:
        budget.leave()


def evaluate_softly(expression: Expression, scope: Scope, scenario: Scenario) -> Node:
    """Give the value of an expression; an Unknown that says why where there is none."""
    try:
        return evaluate(expression, scope, scenario)
    except FailureError as failure:
        return Node(Unknown(failure.message), scope.span(expression))


def _literal(expression: Literal, scope: Scope, _scenario: Scenario) -> Node:
    return Node(expression.value, scope.span(expression))


def _parenthesis(expression: Parenthesis, scope: Scope, scenario: Scenario) -> Node:
    return evaluate(expression.value, scope, scenario)


def _list(expression: ListExpression, scope: Scope, scenario: Scenario) -> Node:
    nodes = tuple(evaluate_softly(item, scope, scenario) for item in expression.items)
    return Node(Items(nodes), scope.span(expression))


def _object(expression: ObjectExpression, scope: Scope, scenario: Scenario) -> Node:
    nodes: dict[str, Node] = {}
    rest: Unknown | None = None
    for key, value in expression.pairs:
        name: Content = key.name if isinstance(key, Name) else evaluate(key, scope, scenario).content
        reason = unknown(name)
        if reason is not None:
            rest = rest or reason
            continue
        nodes[text(name)] = replace(evaluate_softly(value, scope, scenario), key_span=scope.span(key))
    return Node(Entries(nodes, rest), scope.span(expression))


def _template(expression: Template, scope: Scope, scenario: Scenario) -> Node:
    if len(expression.parts) == 1 and not isinstance(expression.parts[0], str | Condition | Repetition):
        return replace(evaluate(expression.parts[0], scope, scenario), span=scope.span(expression))
    pieces: list[Node] = []
    _pieces(expression.parts, scope, scenario, pieces)
    return Node(joined(pieces), scope.span(expression))


def _pieces(parts: list[Part], scope: Scope, scenario: Scenario, pieces: list[Node]) -> None:
    for part in parts:
        scope.session.budget.spend(1)
        if isinstance(part, str):
            pieces.append(Node(part, _nowhere(scope)))
        elif isinstance(part, Condition):
            condition = evaluate(part.condition, scope, scenario)
            reason = unknown(condition.content)
            if reason is not None:
                pieces.append(Node(replace(reason, pattern="*"), condition.span))
            else:
                _pieces(part.yes if boolean(condition.content) else part.no, scope, scenario, pieces)
        elif isinstance(part, Repetition):
            _repeated(part, scope, scenario, pieces)
        else:
            pieces.append(evaluate(part, scope, scenario))


def _repeated(part: Repetition, scope: Scope, scenario: Scenario, pieces: list[Node]) -> None:
    collection = evaluate(part.collection, scope, scenario)
    reason = unknown(collection.content)
    if reason is not None:
        pieces.append(Node(replace(reason, pattern="*"), collection.span))
        return
    for key, value in each(collection):
        _pieces(part.body, scope.bind(_bound(part.names, key, value)), scenario, pieces)
    rest = collection.content.rest if isinstance(collection.content, Entries | Items) else None
    if rest is not None:
        pieces.append(Node(replace(rest, pattern="*"), collection.span))


def _nowhere(scope: Scope) -> Span:
    return Span(scope.document.path, 1, 1, 1, 1)


def _conditional(expression: Conditional, scope: Scope, scenario: Scenario) -> Node:
    condition = evaluate(expression.condition, scope, scenario)
    span = scope.span(expression)
    reason = unknown(condition.content)
    if reason is None:
        branch = expression.yes if boolean(condition.content) else expression.no
        return unchanged_no_more(replace(evaluate(branch, scope, scenario), span=span))
    yes = evaluate_softly(expression.yes, scope, scenario)
    no = evaluate_softly(expression.no, scope, scenario)
    if equal(yes, no):
        return unchanged_no_more(replace(yes, span=span))
    shown = " ".join(scope.document.text[expression.condition.start : expression.condition.end].split())
    because = reason.because if len(shown) > 60 else f"{reason.because}, so `{shown}` is open"  # noqa: PLR2004  (one line of a report)
    return Node(replace(hidden((condition, yes, no)), because=because), span)


def _binary(expression: Binary, scope: Scope, scenario: Scenario) -> Node:
    """Evaluate a chain of operators from the left, however long."""
    chain: list[Binary] = []
    left: Expression = expression
    while isinstance(left, Binary):
        chain.append(left)
        left = left.left
    value = evaluate(left, scope, scenario)
    for link in reversed(chain):
        scope.session.budget.spend(1)
        value = Node(_operate(link, value, scope, scenario), scope.span(link))
    return value


def _operate(link: Binary, left: Node, scope: Scope, scenario: Scenario) -> Content:
    if link.operator in ("&&", "||"):
        return _logic(link, left, scope, scenario)
    right = evaluate(link.right, scope, scenario)
    if link.operator in ("==", "!="):
        same = equal(left, right)
        return hidden((left, right)) if same is None else same == (link.operator == "==")
    if unknown(left.content) or unknown(right.content):
        return hidden((left, right))
    return compute(link.operator, number(left.content), number(right.content))


def _logic(link: Binary, left: Node, scope: Scope, scenario: Scenario) -> Content:
    settles = link.operator == "||"
    known = None if unknown(left.content) else boolean(left.content)
    if known is settles:
        return settles
    right = evaluate(link.right, scope, scenario)
    if unknown(right.content):
        return hidden((left, right))
    if boolean(right.content) is settles:
        return settles
    return hidden((left,)) if known is None else not settles


def _unary(expression: Unary, scope: Scope, scenario: Scenario) -> Node:
    value = evaluate(expression.value, scope, scenario)
    span = scope.span(expression)
    if unknown(value.content):
        return Node(hidden((value,)), span)
    return Node(not boolean(value.content) if expression.operator == "!" else -number(value.content), span)


def _bound(names: list[str], key: Node, value: Node) -> dict[str, Node]:
    return {names[0]: key, names[1]: value} if len(names) > 1 else {names[0]: value}


def _passes(condition: Expression | None, scope: Scope, scenario: Scenario) -> bool | Unknown:
    if condition is None:
        return True
    found = evaluate(condition, scope, scenario)
    return unknown(found.content) or boolean(found.content)


def _for_list(expression: ForList, scope: Scope, scenario: Scenario) -> Node:
    collection = evaluate(expression.collection, scope, scenario)
    span = scope.span(expression)
    reason = unknown(collection.content)
    if reason is not None:
        return Node(hidden((collection,)), span)
    rest = collection.content.rest if isinstance(collection.content, Entries | Items) else None
    nodes: list[Node] = []
    for key, value in each(collection):
        inner = scope.bind(_bound(expression.names, key, value))
        passes = _passes(expression.condition, inner, scenario)
        if isinstance(passes, Unknown):
            rest = rest or passes
        elif passes:
            nodes.append(evaluate_softly(expression.value, inner, scenario))
    return Node(Items(tuple(nodes), rest), span)


def _for_object(expression: ForObject, scope: Scope, scenario: Scenario) -> Node:
    collection = evaluate(expression.collection, scope, scenario)
    span = scope.span(expression)
    if unknown(collection.content):
        return Node(hidden((collection,)), span)
    rest = collection.content.rest if isinstance(collection.content, Entries | Items) else None
    found: dict[str, list[Node]] = {}
    for key, value in each(collection):
        inner = scope.bind(_bound(expression.names, key, value))
        passes = _passes(expression.condition, inner, scenario)
        name: Content = evaluate(expression.key, inner, scenario).content if passes is True else None
        reason = passes if isinstance(passes, Unknown) else unknown(name)
        if reason is not None:
            rest = rest or reason
        elif passes:
            found.setdefault(text(name), []).append(evaluate_softly(expression.value, inner, scenario))
    if expression.grouped:
        grouped = {name: Node(Items(tuple(nodes)), span) for name, nodes in found.items()}
        return Node(Entries(grouped, rest), span)
    if any(len(nodes) > 1 for nodes in found.values()):
        raise FailureError("two elements of the object have one key")
    return Node(Entries({name: nodes[0] for name, nodes in found.items()}, rest), span)


def _call(expression: Call, scope: Scope, scenario: Scenario) -> Node:
    span = scope.span(expression)
    if expression.name in ("try", "can"):
        return _attempt(expression, scope, scenario)
    arguments = [evaluate(argument, scope, scenario) for argument in expression.arguments]
    if expression.expands and arguments:
        last = arguments.pop()
        if not isinstance(last.content, Items):
            return Node(hidden((*arguments, last)), span)
        if last.content.rest is not None:
            return Node(hidden((*arguments, last)), span)
        arguments.extend(last.content.nodes)
    scope.session.budget.spend(1 + len(arguments))
    return call_function(expression.name, arguments, scope, span)


def _attempt(expression: Call, scope: Scope, scenario: Scenario) -> Node:
    span = scope.span(expression)
    for argument in expression.arguments:
        try:
            value = evaluate(argument, scope, scenario)
        except FailureError:
            continue
        if expression.name == "try":
            return unchanged_no_more(replace(value, span=span))
        return Node(hidden((value,)) if unknown(value.content) else True, span)
    if expression.name == "can":
        return Node(False, span)  # noqa: FBT003  (the content of a node)
    raise FailureError("no argument of try() has a value")


def _reference(expression: Expression, scope: Scope, scenario: Scenario) -> Node:
    """Evaluate a chain of attributes, indexes and splats from its head."""
    chain: list[Attribute | Index | Splat] = []
    head: Expression = expression
    while isinstance(head, Attribute | Index | Splat):
        chain.append(head)
        head = head.target
    chain.reverse()
    span = scope.span(expression)
    used = 0
    if not isinstance(head, Name):
        value = evaluate(head, scope, scenario)
    elif head.name in scope.names:
        value = settle(scope.names[head.name], scenario)
    else:
        steps = _steps(chain)
        value, used = scope.session.head(head.name, steps, scope, scenario, span)
    for link in chain[used:]:
        scope.session.budget.spend(1)
        value = _follow(value, link, scope, scenario)
    return replace(value, span=span, key_span=None)


def _steps(chain: list[Attribute | Index | Splat]) -> list[Step]:
    steps: list[Step] = []
    for link in chain:
        if isinstance(link, Splat):
            break
        steps.append(link.name if isinstance(link, Attribute) else link.key)
    return steps


def _follow(value: Node, link: Attribute | Index | Splat, scope: Scope, scenario: Scenario) -> Node:
    if isinstance(link, Attribute):
        return step(value, Node(link.name, value.span), scenario)
    if isinstance(link, Index):
        return step(value, evaluate(link.key, scope, scenario), scenario)
    return _splat(value, link, scope, scenario)


def _splat(value: Node, link: Splat, scope: Scope, scenario: Scenario) -> Node:
    content = value.content
    span = scope.span(link)
    if isinstance(content, Unknown):
        return Node(hidden((value,)), span)
    items = content if isinstance(content, Items) else Items(() if content is None else (value,))
    inner, after = link.steps, list[str | Expression]()
    if link.legacy:
        cut = next((at for at, found in enumerate(link.steps) if not isinstance(found, str)), len(link.steps))
        inner, after = link.steps[:cut], link.steps[cut:]
    nodes = [_walk(node, inner, scope, scenario) for node in items.nodes]
    whole = Node(Items(tuple(nodes), items.rest), span)
    return _walk(whole, after, scope, scenario)


def _walk(value: Node, steps: list[str | Expression], scope: Scope, scenario: Scenario) -> Node:
    for found in steps:
        scope.session.budget.spend(1)
        key = Node(found, value.span) if isinstance(found, str) else evaluate(found, scope, scenario)
        value = step(value, key, scenario)
    return value


_EVALUATE: dict[type, Callable[[Any, Scope, Scenario], Node]] = {
    Literal: _literal,
    Name: _reference,
    Template: _template,
    Parenthesis: _parenthesis,
    ListExpression: _list,
    ObjectExpression: _object,
    Call: _call,
    Conditional: _conditional,
    Binary: _binary,
    Unary: _unary,
    Attribute: _reference,
    Index: _reference,
    Splat: _reference,
    ForList: _for_list,
    ForObject: _for_object,
}
