"""The syntax tree of Terraform's language: what the grammar gives, reduced to what evaluation needs.

Every `start` and `end` is an offset into the text of the file, the end exclusive.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mlguard.source import Document
from mlguard.value import Unknown


@dataclass(slots=True)
class Literal:
    """A number, `true`, `false`, `null`, or a text without interpolation; a number beyond all reason is unknown."""

    start: int
    end: int
    value: str | int | float | bool | Unknown | None


@dataclass(slots=True)
class Name:
    """A bare word: the head of a reference, or the key of an object."""

    start: int
    end: int
    name: str


@dataclass(slots=True)
class Condition:
    """`%{ if }` in a template."""

    condition: Expression
    yes: list[Part]
    no: list[Part]


@dataclass(slots=True)
class Repetition:
    """`%{ for }` in a template."""

    names: list[str]
    collection: Expression
    body: list[Part]


@dataclass(slots=True)
class Template:
    """A text with interpolations and directives."""

    start: int
    end: int
    parts: list[Part]


@dataclass(slots=True)
class Parenthesis:
    """`(value)`."""

    start: int
    end: int
    value: Expression


@dataclass(slots=True)
class ListExpression:
    """`[a, b]`."""

    start: int
    end: int
    items: list[Expression]


@dataclass(slots=True)
class ObjectExpression:
    """`{ key = value }`."""

    start: int
    end: int
    pairs: list[tuple[Expression, Expression]]


@dataclass(slots=True)
class Call:
    """`name(arguments)`; `expands` where the last argument is followed by `...`."""

    start: int
    end: int
    name: str
    arguments: list[Expression]
    expands: bool


@dataclass(slots=True)
class Conditional:
    """`condition ? yes : no`."""

    start: int
    end: int
    condition: Expression
    yes: Expression
    no: Expression


@dataclass(slots=True)
class Binary:
    """`left operator right`."""

    start: int
    end: int
    operator: str
    left: Expression
    right: Expression


@dataclass(slots=True)
class Unary:
    """`-value` or `!value`."""

    start: int
    end: int
    operator: str
    value: Expression


@dataclass(slots=True)
class Attribute:
    """`target.name`."""

    start: int
    end: int
    target: Expression
    name: str


@dataclass(slots=True)
class Index:
    """`target[key]`."""

    start: int
    end: int
    target: Expression
    key: Expression


@dataclass(slots=True)
class Splat:
    """`target[*]` or, with `legacy`, `target.*`, followed by steps that apply to each item.

    A step is the name of an attribute, or the expression of an index.
    """

    start: int
    end: int
    target: Expression
    steps: list[str | Expression]
    legacy: bool


@dataclass(slots=True)
class ForList:
    """`[for names in collection : value if condition]`."""

    start: int
    end: int
    names: list[str]
    collection: Expression
    value: Expression
    condition: Expression | None


@dataclass(slots=True)
class ForObject:
    """`{for names in collection : key => value if condition}`; `grouped` with `...` after the value."""

    start: int
    end: int
    names: list[str]
    collection: Expression
    key: Expression
    value: Expression
    condition: Expression | None
    grouped: bool


Expression = (
    Literal
    | Name
    | Template
    | Parenthesis
    | ListExpression
    | ObjectExpression
    | Call
    | Conditional
    | Binary
    | Unary
    | Attribute
    | Index
    | Splat
    | ForList
    | ForObject
)
Part = str | Expression | Condition | Repetition


@dataclass(slots=True)
class Argument:
    """`name = value` in the body of a block; `start` and `end` are those of the name."""

    document: Document
    start: int
    end: int
    name: str
    value: Expression


@dataclass(slots=True)
class Block:
    """A block; `header_end` is where its labels end. The last argument of one name holds.

    `construct` is the path of what made it, `trace` the lines of code that did, where a synthesizer notes them.
    """

    document: Document
    start: int
    end: int
    header_end: int
    type: str
    labels: list[str]
    arguments: dict[str, Argument] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    construct: str = ""
    trace: tuple[str, ...] = ()
