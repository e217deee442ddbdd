"""Evaluate HCL expressions in a scenario: lazily, with places and origins, and never guessing.

A name is looked up in a scope: the variables of a `for` or of `each`, then the module. What cannot be known raises
CannotKnowError, what is wrong raises InvalidError; both become an Unknown at the attribute that holds the expression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from mlguard.parse.hcl import functions
from mlguard.parse.hcl.conversion import (
    MAX_ITEMS,
    MAX_NUMBER,
    CannotKnowError,
    InvalidError,
    SetItems,
    as_number,
    as_truth,
    equal,
    known,
    shown,
    unknown_of,
)
from mlguard.parse.hcl.syntax import Syntax
from mlguard.parse.hcl.template import Part, template_parts, unescape
from mlguard.scenario import Scenario
from mlguard.source import Document, Span
from mlguard.value import Entries, Items, Node, Reference, Unknown, settle, text_of

MAX_DEPTH = 100
_ARITHMETIC: Mapping[str, Callable[[float, float], float | bool]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "<": lambda a, b: a < b,
    ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
}  # fmt: skip
Steps = list[str | Syntax]


class Names(Protocol):
    """What a module knows of names that are not local to an expression."""

    def lookup(self, root: str, steps: Steps, frame: Frame) -> tuple[Node, int] | None:
        """Give the value of the head of a traversal and how many steps it used; None for a name of no meaning."""

    def file_call(self, name: str, arguments: list[Node], frame: Frame) -> Node | None:
        """Call a function that reads files; None when the function is none of those."""

    def spend(self) -> None:
        """Count one step of evaluation; CannotKnowError when there have been too many."""

    def heredoc(self, document: Document, offset: int) -> tuple[str, int, bool] | None:
        """Give the body of the heredoc that begins at an offset, where the body begins, and whether it is indented."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where an expression is evaluated: its module and document, local names, the scenario, and the place to tell."""

    names: Names
    document: Document
    local: Mapping[str, Node]
    scenario: Scenario
    at: Span
    depth: int = 0

    def deeper(self) -> Frame:
        """Go one level down; CannotKnowError where the expression is nested too deeply."""
        if self.depth > MAX_DEPTH:
            raise CannotKnowError(Unknown(f"the expression is nested deeper than {MAX_DEPTH} levels"))
        return replace(self, depth=self.depth + 1)

    def place(self, syntax: Syntax) -> Span:
        """Give the place of a part of the expression."""
        return self.document.span(syntax.start, syntax.end)


def evaluate_attribute(value: Syntax, frame: Frame, key_span: Span | None) -> Node:
    """Evaluate the value of an attribute; whatever cannot be evaluated is an Unknown with its reason."""
    span = frame.place(value)
    try:
        node = settle(evaluate(value, replace(frame, at=span)), frame.scenario)
    except CannotKnowError as error:
        return Node(error.unknown, span, key_span)
    except InvalidError as error:
        return Node(Unknown(f"it cannot be evaluated: {error}"), span, key_span)
    except (ArithmeticError, ValueError, RecursionError) as error:
        return Node(Unknown(f"it cannot be evaluated: {type(error).__name__}"), span, key_span)
    return Node(node.content, span, key_span, node.origins)


def evaluate(syntax: Syntax, frame: Frame) -> Node:
    """Evaluate an expression."""
    frame.names.spend()
    return _KINDS[syntax.kind](syntax, frame.deeper())


def _literal(syntax: Syntax, frame: Frame) -> Node:
    return Node(syntax.parts[0], frame.at)


def _parentheses(syntax: Syntax, frame: Frame) -> Node:
    return evaluate(syntax.parts[0], frame)


def _template(syntax: Syntax, frame: Frame) -> Node:
    heredoc = frame.names.heredoc(frame.document, syntax.start) if not syntax.parts else None
    if heredoc is not None:
        body, start, indented = heredoc
        return _write(template_parts(body, start, frame.document, indented=indented), frame)
    parts: list[Part] = [
        Part("text", unescape(part)) if isinstance(part, str) else _directive(part) for part in syntax.parts
    ]
    return _write(parts, frame)


def write_template(document: Document, frame: Frame) -> Node:
    """Write the text of a template file with the local names of the frame."""
    parts = template_parts(document.text, 0, document, indented=False)
    return _write(parts, replace(frame, document=document)) if parts else Node("", frame.at)


def _directive(part: Syntax) -> Part:
    if part.kind == "interpolation":
        return Part("value", expression=part.parts[0])
    if part.kind == "if":
        return Part("if", expression=part.parts[0], strip=part.parts[1:3])
    if part.kind == "for":
        return Part("for", names=part.parts[0], expression=part.parts[1], strip=part.parts[2:4])
    return Part(part.kind, strip=part.parts[0:2])


def _write(parts: list[Part], frame: Frame) -> Node:
    if len(parts) == 1 and parts[0].kind == "value" and parts[0].expression is not None:
        return evaluate(parts[0].expression, frame)  # "${x}" alone keeps type and origin
    pieces, position = _write_until(parts, 0, frame, ())
    if position != len(parts):
        raise InvalidError("a template directive is not closed")
    return functions.joined(pieces, "", frame.at, frame.scenario)


def _write_until(parts: list[Part], position: int, frame: Frame, closing: tuple[str, ...]) -> tuple[list[Node], int]:
    """Write parts up to a closing directive; give what was written and where it stopped."""
    pieces: list[Node] = []
    while position < len(parts) and parts[position].kind not in closing:
        part = parts[position]
        if part.kind == "text":
            pieces.append(Node(_stripped(parts, position), frame.at))
        elif part.kind == "value" and part.expression is not None:
            pieces.append(evaluate(part.expression, frame))
        elif part.kind == "if":
            written, position = _write_if(parts, position, frame)
            pieces.extend(written)
        elif part.kind == "for":
            written, position = _write_for(parts, position, frame)
            pieces.extend(written)
        else:
            raise InvalidError(f"the template directive {part.kind} closes nothing")
        position += 1
    return pieces, position


def _stripped(parts: list[Part], position: int) -> str:
    text = parts[position].text
    if position and parts[position - 1].strip[1]:
        text = text.lstrip()
    if position + 1 < len(parts) and parts[position + 1].strip[0]:
        text = text.rstrip()
    return text


def _write_if(parts: list[Part], position: int, frame: Frame) -> tuple[list[Node], int]:
    expression = parts[position].expression
    holds = as_truth(known(evaluate(expression, frame), frame.scenario)) if expression is not None else False
    then, position = _write_until(parts, position + 1, frame, ("else", "endif"))
    otherwise: list[Node] = []
    if position < len(parts) and parts[position].kind == "else":
        otherwise, position = _write_until(parts, position + 1, frame, ("endif",))
    return (then if holds else otherwise), position


def _write_for(parts: list[Part], position: int, frame: Frame) -> tuple[list[Node], int]:
    part = parts[position]
    pieces: list[Node] = []
    end = position
    collection = evaluate(part.expression, frame) if part.expression is not None else Node(Items(()), frame.at)
    for key, value in pairs(collection, frame):
        local = {**frame.local, part.names[-1]: value}
        if len(part.names) > 1:
            local[part.names[0]] = key
        written, end = _write_until(parts, position + 1, replace(frame, local=local), ("endfor",))
        pieces.extend(written)
    if end == position:
        end = _skip(parts, position)
    return pieces, end


def _skip(parts: list[Part], position: int) -> int:
    depth = 0
    for index in range(position, len(parts)):
        depth += {"for": 1, "endfor": -1}.get(parts[index].kind, 0)
        if not depth:
            return index
    raise InvalidError("a template directive is not closed")


def pairs(collection: Node, frame: Frame) -> list[tuple[Node, Node]]:
    """Give the keys and values that a `for` goes over; CannotKnowError where they are not all known."""
    node = settle(collection, frame.scenario)
    content = node.content
    if isinstance(content, Entries) and content.rest is None:
        return [(Node(key, frame.at), content.nodes[key]) for key in sorted(content.nodes)]
    if isinstance(content, Items) and content.rest is None:
        if isinstance(content, SetItems):
            return [(value, value) for value in content.nodes]
        return [(Node(index, frame.at), value) for index, value in enumerate(content.nodes)]
    if isinstance(content, Entries | Items) and content.rest is not None:
        raise CannotKnowError(content.rest)
    if isinstance(content, Unknown | Reference):
        raise CannotKnowError(unknown_of(node))
    raise InvalidError("a list or a mapping is wanted here")


def _list(syntax: Syntax, frame: Frame) -> Node:
    return Node(Items(tuple(_softly(part, frame) for part in syntax.parts)), frame.at)


def _softly(syntax: Syntax, frame: Frame) -> Node:
    """Evaluate a part of a collection: what cannot be known of it does not hide the rest."""
    at = frame.place(syntax)
    try:
        node = evaluate(syntax, replace(frame, at=at))
    except CannotKnowError as error:
        return Node(error.unknown, at)
    return node if node.key_span is None else replace(node, key_span=None)


def _object(syntax: Syntax, frame: Frame) -> Node:
    nodes: dict[str, Node] = {}
    rest: Unknown | None = None
    for entry in syntax.parts:
        key_syntax, value_syntax = entry.parts
        key: str | None
        if key_syntax.kind == "name":
            key = str(key_syntax.parts[0])
        elif key_syntax.kind == "literal":
            key = str(key_syntax.parts[1])
        else:
            found = _softly(key_syntax, frame)
            key = text_of(settle(found, frame.scenario).content)
            rest = rest or (unknown_of(found) if key is None else None)
        if key is not None:
            value = _softly(value_syntax, frame)
            place = frame.place(value_syntax)
            nodes[key] = Node(value.content, place, frame.place(key_syntax), value.origins)
    return Node(Entries(nodes, rest), frame.at)


def _conditional(syntax: Syntax, frame: Frame) -> Node:
    condition, then, otherwise = syntax.parts
    try:
        holds = as_truth(known(evaluate(condition, frame), frame.scenario))
    except CannotKnowError as error:
        return _undecided(then, otherwise, error.unknown, frame)
    return evaluate(then if holds else otherwise, frame)


def _undecided(then: Syntax, otherwise: Syntax, why: Unknown, frame: Frame) -> Node:
    """Keep the value that both branches agree on."""
    values = []
    for branch in (then, otherwise):
        try:
            values.append(known(evaluate(branch, frame), frame.scenario))
        except (CannotKnowError, InvalidError):
            return Node(Unknown(why.because), frame.at)
    if equal(values[0], values[1]):
        return evaluate(then, frame)
    return Node(Unknown(why.because), frame.at)


def _unary(syntax: Syntax, frame: Frame) -> Node:
    operator, operand = syntax.parts
    value = known(evaluate(operand, frame), frame.scenario)
    return Node(not as_truth(value) if operator == "!" else -as_number(value), frame.at)


def _binary(syntax: Syntax, frame: Frame) -> Node:
    operator, left_syntax, right_syntax = syntax.parts
    if operator in ("&&", "||"):
        return _logical(operator, left_syntax, right_syntax, frame)
    left, right = evaluate(left_syntax, frame), evaluate(right_syntax, frame)
    if operator in ("==", "!="):
        same = _compared(left, right, frame)
        return Node(same if operator == "==" else not same, frame.at)
    first = as_number(known(left, frame.scenario))
    second = as_number(known(right, frame.scenario))
    if operator in ("/", "%"):
        if not second:
            raise InvalidError("division by zero")
        result = first / second if operator == "/" else first - second * int(first / second)
        return Node(int(result) if float(result).is_integer() else result, frame.at)
    result = _ARITHMETIC[operator](first, second)
    if abs(result) > MAX_NUMBER:
        raise CannotKnowError(Unknown("a number beyond all sizes"))
    return Node(result, frame.at)


def _compared(left: Node, right: Node, frame: Frame) -> bool:
    contents = [settle(node, frame.scenario).content for node in (left, right)]
    for one, other in (contents, contents[::-1]):
        if one is None and isinstance(other, Entries | Items):
            return False
    return equal(known(left, frame.scenario), known(right, frame.scenario))


def _logical(operator: str, left: Syntax, right: Syntax, frame: Frame) -> Node:
    """Decide by one side where it suffices: an unknown and false is false."""
    decisive = operator == "||"
    unknown: CannotKnowError | None = None
    for side in (left, right):
        try:
            if as_truth(known(evaluate(side, frame), frame.scenario)) is decisive:
                return Node(decisive, frame.at)
        except CannotKnowError as error:
            unknown = unknown or error
    if unknown is not None:
        raise unknown
    return Node(not decisive, frame.at)


def _call(syntax: Syntax, frame: Frame) -> Node:
    name, arguments, spread = syntax.parts
    if name in ("try", "can"):
        return _try(name, arguments, frame)
    nodes = [_softly(argument, frame) for argument in arguments]
    if spread and nodes:
        last = settle(nodes.pop(), frame.scenario)
        if not isinstance(last.content, Items) or last.content.rest is not None:
            raise CannotKnowError(unknown_of(last))
        nodes.extend(last.content.nodes)
    if len(nodes) > MAX_ITEMS:
        raise CannotKnowError(Unknown("a function with very many arguments"))
    found = frame.names.file_call(name, nodes, frame)
    if found is not None:
        return found
    try:
        return functions.call(name, nodes, frame.at, frame.scenario)
    except IndexError:
        raise InvalidError(f"{name}() needs more arguments") from None


def _try(name: str, arguments: tuple[Syntax, ...], frame: Frame) -> Node:
    for argument in arguments:
        try:
            node = settle(evaluate(argument, frame), frame.scenario)
        except InvalidError:
            continue
        if name == "can":
            return Node(True, frame.at)  # noqa: FBT003  (a content)
        return node
    if name == "can":
        return Node(False, frame.at)  # noqa: FBT003
    raise InvalidError("try() found nothing that works")


def _for_list(syntax: Syntax, frame: Frame) -> Node:
    names, collection, value, condition = syntax.parts
    found = [_softly(value, inner) for _, inner in _rounds(names, evaluate(collection, frame), condition, frame)]
    return Node(Items(tuple(found)), frame.at)


def _for_object(syntax: Syntax, frame: Frame) -> Node:
    names, collection, key_syntax, value_syntax, condition, grouped = syntax.parts
    nodes: dict[str, Node] = {}
    groups: dict[str, list[Node]] = {}
    for _, inner in _rounds(names, evaluate(collection, frame), condition, frame):
        key = text_of(settle(evaluate(key_syntax, inner), frame.scenario).content)
        if key is None:
            raise CannotKnowError(Unknown("a key of the mapping is known after deployment"))
        value = _softly(value_syntax, inner)
        if grouped:
            groups.setdefault(key, []).append(value)
        else:
            nodes[key] = value
    made = {key: Node(Items(tuple(listed)), frame.at) for key, listed in groups.items()}
    return Node(Entries(made if grouped else nodes), frame.at)


def _rounds(
    names: tuple[str, ...], collection: Node, condition: Syntax | None, frame: Frame
) -> list[tuple[Node, Frame]]:
    rounds = []
    listed = pairs(collection, frame)
    if len(listed) > MAX_ITEMS:
        raise CannotKnowError(Unknown(f"more than {MAX_ITEMS:,} items"))
    for key, value in listed:
        local = {**frame.local, names[-1]: value}
        if len(names) > 1:
            local[names[0]] = key
        inner = replace(frame, local=local)
        if condition is None or as_truth(known(evaluate(condition, inner), frame.scenario)):
            rounds.append((key, inner))
    return rounds


def _traversal(syntax: Syntax, frame: Frame) -> Node:
    """Evaluate a name with its steps: `var.sizes["a"].x`, `aws_s3_bucket.b[0].id`."""
    steps: Steps = []
    base = syntax
    while base.kind in ("attr", "index"):
        steps.append(base.parts[1])
        base = base.parts[0]
        if len(steps) > MAX_DEPTH:
            raise CannotKnowError(Unknown("a very long traversal"))
    steps.reverse()
    if base.kind != "name":
        return _steps(evaluate(base, frame), steps, frame)
    root = str(base.parts[0])
    if root in frame.local:
        return _steps(frame.local[root], steps, frame)
    found = frame.names.lookup(root, steps, frame)
    if found is None:
        raise InvalidError(f'there is no "{root}" here')
    return _steps(found[0], steps[found[1] :], frame)


def _steps(node: Node, steps: Steps, frame: Frame) -> Node:
    for step in steps:
        key = step if isinstance(step, str) else settle(evaluate(step, frame), frame.scenario).content
        if isinstance(key, Unknown | Reference):
            raise CannotKnowError(key if isinstance(key, Unknown) else Unknown(f"{shown(key)} decides it"))
        node = _step(settle(node, frame.scenario), key)
    return node


def _step(node: Node, key: object) -> Node:
    content = node.content
    if isinstance(content, Reference):
        attribute = f"{content.attribute}.{key}" if content.attribute else str(key)
        return Node(Reference(content.address, attribute), node.span)
    if isinstance(content, Unknown):
        raise CannotKnowError(Unknown(content.because, references=content.references))
    if isinstance(content, Entries):
        text = text_of(key) if isinstance(key, str | int | float | bool) else None
        if text is not None and text in content.nodes:
            return content.nodes[text]
        if content.rest is not None:
            raise CannotKnowError(content.rest)
    if isinstance(content, Items):
        index = int(as_number(key))
        if 0 <= index < len(content.nodes):
            return content.nodes[index]
        if content.rest is not None:
            raise CannotKnowError(content.rest)
    raise InvalidError(f'there is no "{key}" in it')


def _splat(syntax: Syntax, frame: Frame) -> Node:
    base, steps = syntax.parts
    node = settle(evaluate(base, frame), frame.scenario)
    if node.content is None:
        return Node(Items(()), frame.at)
    if isinstance(node.content, Reference):
        why = Unknown(f"{shown(node.content)}[*] is known after deployment", references=(node.content,))
        return Node(Items((), why), frame.at)
    if isinstance(node.content, Unknown):
        raise CannotKnowError(node.content)
    listed = node.content.nodes if isinstance(node.content, Items) else (node,)
    rest = node.content.rest if isinstance(node.content, Items) else None
    inner = [step.parts[0] for step in steps]
    return Node(Items(tuple(_softly_steps(item, inner, frame) for item in listed), rest), frame.at)


def _softly_steps(node: Node, steps: list[Syntax], frame: Frame) -> Node:
    try:
        return _steps(node, list(steps), frame)
    except CannotKnowError as error:
        return Node(error.unknown, frame.at)


_KINDS: Mapping[str, Callable[[Syntax, Frame], Node]] = {
    "literal": _literal, "parentheses": _parentheses, "template": _template, "list": _list, "object": _object,
    "conditional": _conditional, "unary": _unary, "binary": _binary, "call": _call, "for_list": _for_list,
    "for_object": _for_object, "name": _traversal, "attr": _traversal, "index": _traversal, "splat": _splat,
}  # fmt: skip
