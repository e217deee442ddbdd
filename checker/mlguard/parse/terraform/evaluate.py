"""Evaluate expressions in one scenario: known values where they are known, reasons where they are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mlguard.parse.terraform.conversion import converted, of_one_type
from mlguard.parse.terraform.elements import each, either, joined, step
from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
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
from mlguard.parse.terraform.type_system import unified
from mlguard.parse.terraform.values import (
    FREE_PARTS,
    ListItems,
    SetItems,
    boolean,
    equal,
    hidden,
    number,
    text,
    type_of,
    unchanged_no_more,
    unknown,
    weight,
)
from mlguard.record import replace
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


def _part(expression: Expression, scope: Scope, scenario: Scenario) -> Node:
    """Give the value of a part of a collection, an Unknown where it has none, so that the others keep theirs."""
    try:
        return evaluate(expression, scope, scenario)
    except FailureError as failure:
        if scope.strict and not isinstance(failure, NotEvaluatedError):
            raise
        return Node(Unknown(failure.message), scope.span(expression))


def _literal(expression: Literal, scope: Scope, _scenario: Scenario) -> Node:
    return Node(expression.value, scope.span(expression))


def _parenthesis(expression: Parenthesis, scope: Scope, scenario: Scenario) -> Node:
    return evaluate(expression.value, scope, scenario)


def _list(expression: ListExpression, scope: Scope, scenario: Scenario) -> Node:
    nodes = tuple(_part(item, scope, scenario) for item in expression.items)
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
        nodes[text(name)] = replace(_part(value, scope, scenario), key_span=scope.span(key))
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
        chosen, other = (
            (expression.yes, expression.no) if boolean(condition.content) else (expression.no, expression.yes)
        )
        node = _like(evaluate(chosen, scope, scenario), other, scope, scenario)
        return unchanged_no_more(replace(node, span=span))
    yes = evaluate_softly(expression.yes, scope, scenario)
    no = evaluate_softly(expression.no, scope, scenario)
    shown = " ".join(scope.document.text[expression.condition.start : expression.condition.end].split())
    because = reason.because if len(shown) > 60 else f"{reason.because}, so `{shown}` is open"  # noqa: PLR2004  (one line of a report)
    return unchanged_no_more(replace(either(replace(reason, because=because), yes, no), span=span))


def _like(node: Node, other: Expression, scope: Scope, scenario: Scenario) -> Node:
    """Convert the chosen result of a condition to the type that both results have in common.

    The other result only lends its type: looking at it decides nothing, and it need not have a value.
    """
    if unknown(node.content) or (isinstance(other, Literal) and type(other.value) is type(node.content)):
        return node
    try:
        rival = evaluate(other, scope, Scenario(fixed=scenario.decisions))
    except FailureError:
        return node
    common = unified([type_of(node), type_of(rival)])
    if common is None:
        raise FailureError("the two results of the condition have types that do not go together")
    return converted(node, common)


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
        scope.session.budget.spend((weight(left) + weight(right)) // FREE_PARTS)
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
    if expression.operator == "!":
        return Node(not boolean(value.content), span)
    return Node(compute("-", 0, number(value.content)), span)


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
            nodes.append(_part(expression.value, inner, scenario))
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
            found.setdefault(text(name), []).append(_part(expression.value, inner, scenario))
    if expression.grouped:
        grouped = {name: Node(Items(tuple(nodes), rest), span) for name, nodes in found.items()}
        return Node(Entries(grouped, rest), span)
    if any(len(nodes) > 1 for nodes in found.values()):
        raise FailureError("two elements of the object have one key")
    return Node(Entries({name: nodes[0] for name, nodes in found.items()}, rest), span)


def _call(expression: Call, scope: Scope, scenario: Scenario) -> Node:
    span = scope.span(expression)
    if expression.name in _ON_EXPRESSIONS:
        return _ON_EXPRESSIONS[expression.name](expression, scope, scenario)
    named = all(isinstance(argument, Name | Attribute | Index) for argument in expression.arguments[:1])
    if expression.name == "templatestring" and not named:
        raise FailureError("templatestring() takes a template that has a name")
    arguments = [evaluate(argument, scope, scenario) for argument in expression.arguments]
    if expression.expands and arguments:
        last = arguments.pop()
        if unknown(last.content):
            return Node(hidden((*arguments, last)), span)
        if not isinstance(last.content, Items):
            raise FailureError("`...` needs a list, a set or a tuple")
        if last.content.rest is not None:
            return Node(hidden((*arguments, last)), span)
        arguments.extend(last.content.nodes)
    scope.session.budget.spend(1 + sum(1 + weight(argument) // FREE_PARTS for argument in arguments))
    from mlguard.parse.terraform.functions import call_function  # noqa: PLC0415  (many roots call none)

    return call_function(expression.name, arguments, scope, span)


def _try(expression: Call, scope: Scope, scenario: Scenario) -> Node:
    """Give the first argument that has a value; an Unknown where mlguard cannot tell whether one has."""
    span, inner = scope.span(expression), replace(scope, strict=True)
    for argument in expression.arguments:
        try:
            value = evaluate(argument, inner, scenario)
        except NotEvaluatedError as failure:
            return Node(Unknown(failure.message), span)
        except FailureError:
            continue
        return unchanged_no_more(replace(value, span=span))
    raise FailureError("no argument of try() has a value")


def _can(expression: Call, scope: Scope, scenario: Scenario) -> Node:
    span, inner = scope.span(expression), replace(scope, strict=True)
    if len(expression.arguments) != 1:
        raise FailureError("can() takes one argument")
    try:
        value = evaluate(expression.arguments[0], inner, scenario)
    except NotEvaluatedError as failure:
        return Node(Unknown(failure.message), span)
    except FailureError:
        return Node(False, span)  # noqa: FBT003  (the content of a node)
    return Node(hidden((value,)) if unknown(value.content) else True, span)


def _issensitive(expression: Call, scope: Scope, scenario: Scenario) -> Node:
    """Tell what can be told from the expression alone: mlguard does not follow what is sensitive through values."""
    span = scope.span(expression)
    if len(expression.arguments) != 1:
        raise FailureError("issensitive() takes one argument")
    argument = expression.arguments[0]
    evaluate(argument, scope, scenario)
    if isinstance(argument, Literal):
        return Node(False, span)  # noqa: FBT003  (as in _can)
    if isinstance(argument, Call) and argument.name in ("sensitive", "nonsensitive"):
        return Node(argument.name == "sensitive", span)
    return Node(Unknown("mlguard does not follow what is sensitive"), span)


_ON_EXPRESSIONS = {"try": _try, "can": _can, "issensitive": _issensitive}


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
    elif scope.closed:
        raise FailureError(f"the template does not know the name {head.name}")
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
    if unknown(content):
        return Node(hidden((value,)), span)
    items = content if isinstance(content, Items) else Items(() if content is None else (value,))
    inner, after = link.steps, list[str | Expression]()
    if link.legacy:
        cut = next((at for at, found in enumerate(link.steps) if not isinstance(found, str)), len(link.steps))
        inner, after = link.steps[:cut], link.steps[cut:]
    nodes: Sequence[Node] = [_walk(node, inner, scope, scenario) for node in items.nodes]
    found = Items(tuple(nodes), items.rest)
    if isinstance(items, ListItems | SetItems):
        nodes, element = of_one_type(nodes)
        found = ListItems(tuple(nodes), items.rest, element)
    return _walk(Node(found, span), after, scope, scenario)


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
