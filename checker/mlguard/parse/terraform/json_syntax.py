"""Terraform's JSON spelling, read by the same grammar: an object of JSON is an object of Terraform's language.

https://developer.hashicorp.com/terraform/language/syntax/json
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlguard.errors import MlguardError, ParseError
from mlguard.parse.terraform.reader import read_expression
from mlguard.parse.terraform.syntax import Argument, Block, Expression, ListExpression, Literal, ObjectExpression
from mlguard.source import Document

_LABELS = {"resource": 2, "data": 2, "ephemeral": 2, "variable": 1, "output": 1, "module": 1, "provider": 1}
_BARE = {"resource": "provider", "data": "provider", "ephemeral": "provider", "variable": "type"}
"""What is a reference or a type in blocks of these types, although JSON can only write it as a text."""
_NESTED = ("validation", "default_tags", "lifecycle", "backend")


def arguments_of(document: Document) -> Mapping[str, Argument]:
    """Read the arguments of a JSON object, as a tfvars file has them; ParseError where it is something else."""
    return {key.value: _argument(document, key, value) for key, value in _pairs(document, _whole(document))}


def _whole(document: Document) -> ObjectExpression:
    try:
        whole = read_expression(document, 0, len(document.text))
    except MlguardError as error:
        raise ParseError("not valid JSON", document.path, error.line, error.column) from None
    if not isinstance(whole, ObjectExpression):
        raise ParseError("a JSON object was expected", document.path, 1)
    return whole


class _Key(Literal):
    value: str


def _pairs(document: Document, found: Expression) -> Iterator[tuple[_Key, Expression]]:
    """Give the keys and values of an object, or of a list of objects."""
    if isinstance(found, ListExpression):
        for item in found.items:
            if isinstance(item, ObjectExpression):
                yield from _pairs(document, item)
        return
    if not isinstance(found, ObjectExpression):
        at = document.span(found.start, found.start)
        raise ParseError("a JSON object was expected", document.path, at.line, at.column)
    for key, value in found.pairs:
        if isinstance(key, Literal) and isinstance(key.value, str) and key.value != "//":
            yield _Key(key.start, key.end, key.value), value


def blocks_of(document: Document) -> Iterator[Block]:
    """Read the blocks of a `.tf.json` file; ParseError where it is not one."""
    for kind, value in _pairs(document, _whole(document)):
        yield from _labelled(document, kind.value, kind, value, [])


def _labelled(document: Document, kind: str, key: _Key, value: Expression, labels: list[str]) -> Iterator[Block]:
    if len(labels) < _LABELS.get(kind, 0):
        for label, below in _pairs(document, value):
            yield from _labelled(document, kind, label, below, [*labels, label.value])
        return
    several = value.items if isinstance(value, ListExpression) else [value]
    for one in several:
        start = key.start if len(several) == 1 else one.start
        block = Block(document, start, one.end, key.end if len(several) == 1 else one.start + 1, kind, labels)
        for name, below in _pairs(document, one):
            _fill(document, block, name, below)
        yield block


def _fill(document: Document, block: Block, name: _Key, value: Expression) -> None:
    """Put an entry of a JSON body into its block; only a few known ones and what holds `dynamic` are read as blocks."""
    if _is_dynamic(name, value):
        for label, below in _pairs(document, value):
            block.blocks.extend(_dynamic(document, label, below))
    elif name.value in _NESTED or _holds_dynamic(value):
        block.blocks.extend(_labelled(document, name.value, name, value, []))
    else:
        bare = _BARE.get(block.type) == name.value and isinstance(value, Literal) and isinstance(value.value, str)
        if bare and value.end - value.start > 2:  # noqa: PLR2004  (the quotes)
            value = read_expression(document, value.start + 1, value.end - 1)
        block.arguments[name.value] = _argument(document, name, value)


def _is_dynamic(name: Literal, value: Expression) -> bool:
    """Recognise `"dynamic": {"rule": {"for_each": …, "content": …}}`."""
    if name.value != "dynamic" or not isinstance(value, ObjectExpression | ListExpression):
        return False
    bodies = [below for one in _objects(value) for _, label in one.pairs for below in _objects(label)]
    return any(getattr(key, "value", None) == "content" for body in bodies for key, _ in body.pairs)


def _objects(value: Expression) -> list[ObjectExpression]:
    listed = value.items if isinstance(value, ListExpression) else [value]
    return [one for one in listed if isinstance(one, ObjectExpression)]


def _holds_dynamic(value: Expression) -> bool:
    """Tell whether something inside of an object is generated: then it is a block, not the value of an argument."""
    waiting = _objects(value)
    while waiting:
        for key, below in waiting.pop().pairs:
            if isinstance(key, Literal) and _is_dynamic(key, below):
                return True
            waiting.extend(_objects(below))
    return False


def _dynamic(document: Document, label: _Key, value: Expression) -> Iterator[Block]:
    for one in value.items if isinstance(value, ListExpression) else [value]:
        block = Block(document, label.start, one.end, label.end, "dynamic", [label.value])
        for name, below in _pairs(document, one):
            if name.value == "content":
                block.blocks.extend(_labelled(document, "content", name, below, []))
            else:
                block.arguments[name.value] = _argument(document, name, below)
        yield block


def _argument(document: Document, name: _Key, value: Expression) -> Argument:
    return Argument(document, name.start, name.end, name.value, value)
