"""The syntax tree of Terraform's language: what the grammar gives, reduced to what evaluation needs.

Every `start` and `end` is an offset into the text of the file, the end exclusive.
"""

from __future__ import annotations

from mlguard.record import field, record
from mlguard.source import Document
from mlguard.value import Unknown


@record(frozen=False)
class Literal:
    """A number, `true`, `false`, `null`, or a text without interpolation; a number beyond all reason is unknown."""

    start: int
    end: int
    value: str | int | float | bool | Unknown | None


@record(frozen=False)
class Name:
    """A bare word: the head of a reference, or the key of an object."""

    start: int
    end: int
    name: str


@record(frozen=False)
class Condition:
    """`%{ if }` in a template."""

    condition: Expression
    yes: list[Part]
    no: list[Part]


@record(frozen=False)
class Repetition:
    """`%{ for }` in a template."""

    names: list[str]
    collection: Expression
    body: list[Part]


@record(frozen=False)
class Template:
    """A text with interpolations and directives."""

    start: int
    end: int
    parts: list[Part]


@record(frozen=False)
class Parenthesis:
    """`(value)`."""

    start: int
    end: int
    value: Expression


@record(frozen=False)
class ListExpression:
    """`[a, b]`."""

    start: int
    end: int
    items: list[Expression]


@record(frozen=False)
class ObjectExpression:
    """`{ key = value }`."""

    start: int
    end: int
    pairs: list[tuple[Expression, Expression]]


@record(frozen=False)
class Call:
    """`name(arguments)`; `expands` where the last argument is followed by `...`."""

    start: int
    end: int
    name: str
    arguments: list[Expression]
    expands: bool


@record(frozen=False)
class Conditional:
    """`condition ? yes : no`."""

    start: int
    end: int
    condition: Expression
    yes: Expression
    no: Expression


@record(frozen=False)
class Binary:
    """`left operator right`."""

    start: int
    end: int
    operator: str
    left: Expression
    right: Expression


@record(frozen=False)
class Unary:
    """`-value` or `!value`."""

    start: int
    end: int
    operator: str
    value: Expression


@record(frozen=False)
class Attribute:
    """`target.name`."""

    start: int
    end: int
    target: Expression
    name: str


@record(frozen=False)
class Index:
    """`target[key]`."""

    start: int
    end: int
    target: Expression
    key: Expression


@record(frozen=False)
class Splat:
    """`target[*]` or, with `legacy`, `target.*`, followed by steps that apply to each item.

    A step is the name of an attribute, or the expression of an index.
    """

    start: int
    end: int
    target: Expression
    steps: list[str | Expression]
    legacy: bool


@record(frozen=False)
class ForList:
    """`[for names in collection : value if condition]`."""

    start: int
    end: int
    names: list[str]
    collection: Expression
    value: Expression
    condition: Expression | None


@record(frozen=False)
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


@record(frozen=False)
class Argument:
    """`name = value` in the body of a block; `start` and `end` are those of the name."""

    document: Document
    start: int
    end: int
    name: str
    value: Expression


@record(frozen=False)
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
