"""`format` and `formatlist`: the verbs of Go's `fmt`, as Terraform knows them."""

from __future__ import annotations

import re

from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.functions.graphemes import graphemes
from mlguard.parse.terraform.functions.json_text import json_text
from mlguard.parse.terraform.functions.signature import Call, Function, Run, function
from mlguard.parse.terraform.precision import fixed, general, scientific
from mlguard.parse.terraform.values import (
    MAX_ITEMS,
    MAX_TEXT,
    boolean,
    hidden,
    is_known,
    number,
    pattern_of,
    text,
    unknown,
)
from mlguard.value import Content, Items, Node

_MAX_WIDTH = 10_000
_VERB = re.compile(
    r"%(?:%|(?P<flags>[-+ 0#]*)(?P<width>[1-9]\d*)?(?:\.(?P<precision>\d*))?(?:\[(?P<index>\d+)\])?(?P<verb>[a-zA-Z])?)"
)


def _formatted(source: str, values: list[Node]) -> tuple[str, bool]:
    """Fill a format, with `*` for what is unknown; tells whether all was known."""
    pieces: list[str] = []
    since = position = highest = size = 0
    whole = True
    for match in _VERB.finditer(source):
        pieces.append(source[since : match.start()])
        since = match.end()
        if match[0] == "%%":
            pieces.append("%")
            continue
        if not match["verb"]:
            raise FailureError("the format has a `%` without a verb")
        position = int(match["index"]) if match["index"] and len(match["index"]) < 4 else position + 1  # noqa: PLR2004  (digits)
        highest = max(highest, position)
        if not 1 <= position <= len(values):
            raise FailureError("the format asks for more values than there are")
        known = is_known(values[position - 1])
        whole = whole and known
        pieces.append(_verb(match, values[position - 1]) if known else _open(match, values[position - 1]))
        size += len(pieces[-1])
        if size > MAX_TEXT:
            raise NotEvaluatedError(f"a text of more than {MAX_TEXT:,} characters")
    if highest < len(values):
        raise FailureError("there are more values than the format asks for")
    pieces.append(source[since:])
    return "".join(pieces), whole


def _open(match: re.Match[str], node: Node) -> str:
    return (pattern_of(node.content) or "*") if match[0] in ("%s", "%v") else "*"


def _verb(match: re.Match[str], node: Node) -> str:
    """Write one value."""
    verb, content = match["verb"], node.content
    width, precision = (int((match[name] or "0")[:9]) for name in ("width", "precision"))
    if width > _MAX_WIDTH or precision > _MAX_WIDTH:
        raise NotEvaluatedError("the width of a format is too large")
    digits = precision if match["precision"] is not None else None
    if content is None:
        raise NotEvaluatedError("null in a format") if verb == "v" else FailureError("an argument is null")
    if verb == "v":
        shown = _as_is(node, sharp="#" in match["flags"])
    elif verb in "dboxXeEfFgG":
        return _number(match, number(content), width, digits)
    elif verb == "t":
        return "true" if boolean(content) else "false"
    elif verb in "sq":
        shown = text(content) if digits is None else "".join(graphemes(text(content))[:digits])
        shown = json_text(Node(shown, node.span)) if verb == "q" else shown
    else:
        raise FailureError(f"%{verb} is not a verb of a format")
    padding = ("0" if "0" in match["flags"] else " ") * (width - len(graphemes(shown)))
    return shown + padding if "-" in match["flags"] else padding + shown


def _as_is(node: Node, *, sharp: bool) -> str:
    content = node.content
    if not sharp and isinstance(content, str):
        return content
    if not sharp and isinstance(content, int | float) and not isinstance(content, bool):
        return general(content)
    return json_text(node)


def _number(match: re.Match[str], value: float, width: int, digits: int | None) -> str:
    verb, flags = match["verb"], match["flags"]
    if verb in "dboxX":
        if not isinstance(value, int):
            raise FailureError(f"%{verb} needs a whole number")
        shown = "" if value == digits == 0 else format(abs(value), verb if verb != "d" else "").zfill(digits or 0)
        flags = flags if digits is None else flags.replace("0", "")
        if "#" in flags:
            shown = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}.get(verb, "") + shown
    else:
        shown = _with_point(verb.lower(), value, 6 if digits is None and verb not in "gG" else digits)
        shown = shown.upper() if verb in "EG" else shown
    sign = "-" if value < 0 else "+" if "+" in flags else " " if " " in flags else ""
    if "-" in flags:
        return (sign + shown).ljust(width)
    return sign + shown.zfill(width - len(sign)) if "0" in flags else (sign + shown).rjust(width)


def _with_point(verb: str, value: float, digits: int | None) -> str:
    written = {"e": scientific, "f": fixed}.get(verb)
    shown = general(value, digits) if written is None else written(value, digits or 0)
    return shown.removeprefix("-")


def _format(call: Call) -> Content:
    first, *values = call.arguments
    if unknown(first.content):
        return call.hidden()
    shown, whole = _formatted(text(first.content), values)
    return shown if whole else hidden(values, shown)


def _formatlist(call: Call) -> Content:
    first, *values = call.arguments
    lists = [value.content for value in values if isinstance(value.content, Items)]
    if any(found.rest is not None for found in lists) or any(unknown(value.content) for value in call.arguments):
        return call.hidden()
    if any(value.content is None for value in values):
        raise FailureError("an argument is null")
    length = len(lists[0].nodes) if lists else 1
    if any(len(found.nodes) != length for found in lists):
        raise FailureError("the lists have different lengths")
    if length > MAX_ITEMS:
        raise NotEvaluatedError(f"a list of more than {MAX_ITEMS:,} items")
    source, nodes = text(first.content), []
    for row in range(length):
        filled = [value.content.nodes[row] if isinstance(value.content, Items) else value for value in values]
        shown, whole = _formatted(source, filled)
        nodes.append(Node(shown if whole else hidden(filled, shown), call.span))
    return Items(tuple(nodes))


_TABLE: tuple[tuple[str, str, Run], ...] = (
    ("format", "string any?* -> string", _format),
    ("formatlist", "string any?* -> list(string)", _formatlist),
)
FORMATTING: dict[str, Function] = {name: function(name, signature, run) for name, signature, run in _TABLE}
