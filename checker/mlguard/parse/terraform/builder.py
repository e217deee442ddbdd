"""Build the compact syntax tree: one method for each rule of the grammar of python-hcl2."""

from __future__ import annotations

import builtins  # the rule `tuple` hides that name inside of the builder
import re
from collections.abc import Callable
from typing import Any

from mlguard.parse.terraform.failure import FailureError
from mlguard.parse.terraform.precision import Real, arithmetic, parsed
from mlguard.parse.terraform.syntax import (
    Argument,
    Attribute,
    Binary,
    Block,
    Call,
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
    Splat,
    Template,
    Unary,
)
from mlguard.parse.terraform.table import Word
from mlguard.parse.terraform.values import normal
from mlguard.source import Document
from mlguard.value import Unknown

_ESCAPE = re.compile(
    r"\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)|\$\$(?=\{)|%%(?=\{)",
    re.DOTALL,
)


_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
"""The last two are those of JSON, which is read by the same grammar."""


_WORDS = {"true": True, "false": False, "null": None}


_LONGEST_ESCAPE = 9
_LAST_CODE_POINT = 0x10FFFF


_SURROGATES = range(0xD800, 0xE000)


def unescape(text: str) -> str:
    """Read the escapes of a text in quotes."""
    return normal(_ESCAPE.sub(_unescaped, text) if "\\" in text or "{" in text else text)


def _unescaped(match: re.Match[str]) -> str:
    escape = match[1]
    if escape is None:
        return match[0][0]
    if len(escape) == 1:
        return _CONTROL.get(escape, escape)
    if len(escape) > _LONGEST_ESCAPE:  # two halves of one character, as JSON writes it
        high, low = int(escape[1:5], 16), int(escape[7:], 16)
        return chr(0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF))
    code = int(escape[1:], 16)
    return "\ufffd" if code > _LAST_CODE_POINT or code in _SURROGATES else chr(code)


PASSING = frozenset(("expr_term", "start", "string_part"))
"""What gives a single part back as it is."""


class Builder:
    """Build the syntax tree: one method for each rule of the grammar, called with what its parts gave.

    `base` is added to every offset. `templates` are the texts that the grammar does not read, by their offset.
    """

    def __init__(self) -> None:
        self.base = 0
        self.document = Document("", "")
        self.template: Callable[[int], Template | Literal | None] = lambda _: None

    def _of(self, token: Word) -> builtins.tuple[int, int]:
        return token.start_pos + self.base, token.end_pos + self.base

    def start(self, parts: list[Any]) -> object:
        """Give the body of the file."""
        return parts[0]

    def new_line_or_comment(self, _parts: list[Any]) -> None:
        """Leave line ends out."""

    def body(self, parts: list[Any]) -> list[Any]:
        """Give the arguments and blocks of a body, in order."""
        return [part for part in parts if part is not None]

    def identifier(self, parts: list[Any]) -> Name:
        """Read a bare word."""
        word = parts[0]
        return Name(word.start_pos + self.base, word.end_pos + self.base, str(word))

    keyword = identifier

    def literal_value(self, parts: list[Any]) -> Literal:
        """Read `true`, `false` and `null`."""
        return Literal(*self._of(parts[0]), _WORDS[str(parts[0])])

    def int_lit(self, parts: list[Any]) -> Literal:
        """Read a number; one beyond all reason is unknown."""
        try:
            value: int | float | Unknown = parsed(str(parts[0]))
        except FailureError as failure:
            value = Unknown(failure.message)
        return Literal(*self._of(parts[0]), value)

    float_lit = int_lit

    def attribute(self, parts: list[Any]) -> Argument:
        """Read `name = value`."""
        name, _, value = parts
        return Argument(self.document, name.start, name.end, _word(name), value)

    def block(self, parts: list[Any]) -> Block:
        """Read a block."""
        parts = [part for part in parts if part is not None]
        words = [part for part in parts[:-2] if not isinstance(part, str)]
        end = self._of(parts[-1])[1]
        block = Block(self.document, words[0].start, end, words[-1].end, _word(words[0]), [_word(w) for w in words[1:]])
        fill(block, parts[-2])
        return block

    def string_part(self, parts: list[Any]) -> object:
        """Give a stretch of a text."""
        return parts[0]

    def interpolation(self, parts: list[Any]) -> Expression:
        """Read `${value}`."""
        value: Expression = parts[1]
        return value

    def string(self, parts: list[Any]) -> Expression:
        """Read a text in quotes."""
        start, end = self._of(parts[0])[0], self._of(parts[-1])[1]
        inner = parts[1:-1]
        if not inner:
            return self.template(start) or Literal(start, end, "")
        if len(inner) == 1 and isinstance(inner[0], str):
            return Literal(start, end, unescape(str(inner[0])))
        return Template(start, end, [unescape(str(p)) if isinstance(p, str) else p for p in inner])

    def template_string(self, parts: list[Any]) -> Literal:
        """Read a text in escaped quotes."""
        return Literal(*self._of(parts[0]), unescape(str(parts[0])[2:-2]))

    def expr_term(self, parts: list[Any]) -> Expression:
        """Read a term, in parentheses or not."""
        parts = [part for part in parts if part is not None]
        if len(parts) == 1:
            term: Expression = parts[0]
            return term
        return Parenthesis(self._of(parts[0])[0], self._of(parts[-1])[1], parts[1])

    def conditional(self, parts: list[Any]) -> Conditional:
        """Read `condition ? yes : no`."""
        condition, yes, no = _without_tokens(parts)
        return Conditional(condition.start, no.end, condition, yes, no)

    def binary_operator(self, parts: list[Any]) -> str:
        """Give the operator, without the line end that the lexer put before it."""
        return str(parts[0]).split("\n")[-1].strip()

    def binary_term(self, parts: list[Any]) -> builtins.tuple[str, Expression]:
        """Give an operator and what stands right of it."""
        operator, right = (part for part in parts if part is not None)
        return operator, right

    def binary_op(self, parts: list[Any]) -> Binary:
        """Read `left operator right`."""
        left, (operator, right) = parts[0], parts[1]
        return Binary(left.start, right.end, operator, left, right)

    def unary_op(self, parts: list[Any]) -> Expression:
        """Read `-value` and `!value`; a negative number is a number, however it was read."""
        start, value = self._of(parts[0])[0], parts[1]
        inner = value.value if isinstance(value, Literal) else None
        if str(parts[0]) == "-" and isinstance(inner, int | Real) and not isinstance(inner, bool):
            return Literal(start, value.end, arithmetic("-", 0, inner))
        return Unary(start, value.end, str(parts[0]), value)

    def tuple(self, parts: list[Any]) -> ListExpression:
        """Read a list."""
        return ListExpression(self._of(parts[0])[0], self._of(parts[-1])[1], _without_tokens(parts))

    def object_elem_key(self, parts: list[Any]) -> Expression:
        """Give the key of an object's element."""
        key: Expression = parts[0]
        bare = isinstance(key, Literal) and (key.value is None or isinstance(key.value, bool))
        return Name(key.start, key.end, _word(key)) if bare and isinstance(key, Literal) else key

    def object_elem(self, parts: list[Any]) -> builtins.tuple[Expression, Expression]:
        """Give a key and its value."""
        return parts[0], parts[2]

    def object(self, parts: list[Any]) -> ObjectExpression:
        """Read an object."""
        return ObjectExpression(self._of(parts[0])[0], self._of(parts[-1])[1], _without_tokens(parts))

    def arguments(self, parts: list[Any]) -> builtins.tuple[list[Expression], bool]:
        """Give the arguments of a call, and whether the last is expanded."""
        return _without_tokens(parts), _has(parts, "ELLIPSIS")

    def function_call(self, parts: list[Any]) -> Call:
        """Read a call."""
        inner = _without_tokens(parts)
        names = [part for part in inner if isinstance(part, Name)]
        arguments, expands = next((part for part in inner if not isinstance(part, Name)), ([], False))
        end = self._of(parts[-1])[1]
        return Call(names[0].start, end, "::".join(name.name for name in names), arguments, expands)

    def braces_index(self, parts: list[Any]) -> builtins.tuple[Expression, int]:
        """Give the key of `[key]` and its end."""
        return _without_tokens(parts)[0], self._of(parts[-1])[1]

    def short_index(self, parts: list[Any]) -> builtins.tuple[Expression, int]:
        """Give the key of `.0` and its end."""
        start, end = self._of(parts[1])
        return Literal(start, end, int(parts[1])), end

    def get_attr(self, parts: list[Any]) -> builtins.tuple[str, int]:
        """Give the name of `.name` and its end."""
        return _word(parts[1]), parts[1].end

    def index_expr_term(self, parts: list[Any]) -> Index | Literal:
        """Read `target[key]`."""
        target, (key, end) = parts
        if isinstance(target, Index) and end == key.end and target.end == target.key.end:
            return Literal(target.start, end, Unknown("Terraform takes no two indexes with dots, one behind the other"))
        return Index(target.start, end, target, key)

    def get_attr_expr_term(self, parts: list[Any]) -> Attribute:
        """Read `target.name`."""
        target, (name, end) = parts
        return Attribute(target.start, end, target, name)

    def attr_splat(self, parts: list[Any]) -> builtins.tuple[list[Any], int, bool]:
        """Give the steps after `.*` or `[*]`, where they end, and whether it is `.*`; `.0` is a step like `.name`."""
        steps = parts[1:]
        end = steps[-1][1] if steps else self._of(parts[0])[1]
        named = [str(step.value) if isinstance(step, Literal) and step.end == after else step for step, after in steps]
        return named, end, parts[0].type == "ATTR_SPLAT"

    full_splat = attr_splat

    def attr_splat_expr_term(self, parts: list[Any]) -> Splat:
        """Read `target[*].steps`."""
        target, (steps, end, legacy) = parts
        return Splat(target.start, end, target, steps, legacy)

    full_splat_expr_term = attr_splat_expr_term

    def for_intro(self, parts: list[Any]) -> builtins.tuple[list[str], Expression]:
        """Give the names of a `for`, and what it goes over."""
        *names, collection = _without_tokens(parts)
        return [name.name for name in names], collection

    def for_cond(self, parts: list[Any]) -> Expression:
        """Give the condition of a `for`."""
        condition: Expression = _without_tokens(parts)[0]
        return condition

    def for_tuple_expr(self, parts: list[Any]) -> ForList:
        """Read a `for` that makes a list."""
        (names, collection), value, *condition = _without_tokens(parts)
        start, end = self._of(parts[0])[0], self._of(parts[-1])[1]
        return ForList(start, end, names, collection, value, condition[0] if condition else None)

    def for_object_expr(self, parts: list[Any]) -> ForObject:
        """Read a `for` that makes an object."""
        (names, collection), key, value, *condition = _without_tokens(parts)
        start, end = self._of(parts[0])[0], self._of(parts[-1])[1]
        only = condition[0] if condition else None
        return ForObject(start, end, names, collection, key, value, only, _has(parts, "ELLIPSIS"))


def fill(block: Block, body: list[Any]) -> None:
    """Put the parts of a body into its block; the last argument of one name holds."""
    for part in body:
        if isinstance(part, Block):
            block.blocks.append(part)
        else:
            block.arguments[part.name] = part


def _word(part: Name | Literal) -> str:
    if isinstance(part, Name):
        return part.name
    return part.value if isinstance(part.value, str) else {True: "true", False: "false", None: "null"}[part.value]  # type: ignore[index]


def _without_tokens(parts: list[Any]) -> list[Any]:
    return [part for part in parts if part is not None and not isinstance(part, str)]


def _has(parts: list[Any], kind: str) -> bool:
    return any(isinstance(part, str) and getattr(part, "type", "") == kind for part in parts)
