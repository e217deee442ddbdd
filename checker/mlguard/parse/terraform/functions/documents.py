"""JSON and CSV, read and written."""

from __future__ import annotations

import json
import re

from mlguard.parse.terraform.conversion import converted
from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.functions.json_text import PLACEHOLDER, json_text
from mlguard.parse.terraform.functions.signature import Call, Function, Run, function, known
from mlguard.parse.terraform.precision import parsed
from mlguard.parse.terraform.type_system import Object, listed
from mlguard.parse.terraform.values import MAX_ITEMS, hidden, is_known, text, unknown, wrapped
from mlguard.record import replace
from mlguard.value import Content, EncodedText, Node

_FIELD = re.compile(r'(?:"(?P<quoted>(?:[^"]|"")*+)"|(?P<bare>[^",\r\n]*+))(?P<end>,|\r?\n|\Z)')


def _no_constant(word: str) -> object:
    raise FailureError(f"{word} is not JSON")


def _jsondecode(subject: str) -> object:
    try:
        return json.loads(subject, parse_int=parsed, parse_float=parsed, parse_constant=_no_constant)
    except ValueError:
        raise FailureError("not valid JSON") from None
    except RecursionError:
        raise NotEvaluatedError("the JSON is nested too deeply") from None


def _jsonencode(call: Call) -> Content:
    """Encode as JSON; unknown parts stand as `*` in the pattern of a partly known text."""
    if unknown(call[0].content):
        return call.hidden()
    written = json_text(call[0])
    if is_known(call[0]):
        return EncodedText(written, call[0])
    pattern = written.replace(f'"{PLACEHOLDER}"', "*").replace(PLACEHOLDER, "*")
    return replace(hidden(call.arguments, pattern), encodes=call[0])


def _csvdecode(call: Call) -> Node | Content:
    if not is_known(call[0]):
        return call.hidden()
    rows = [row for row in _rows(text(call[0].content)) if row not in ([], [""])]
    if not rows:
        raise FailureError("the CSV has no header")
    header = rows[0]
    if len(set(header)) < len(header) or any(len(row) != len(header) for row in rows):
        raise FailureError("the CSV has rows of different lengths, or two columns of one name")
    found = wrapped([dict(zip(header, row, strict=True)) for row in rows[1:]], call.span)
    return converted(found, listed(Object(dict.fromkeys(header, "string"))))


def _rows(subject: str) -> list[list[str]]:
    """Split CSV into rows and fields; FailureError for quotes that are not closed, or inside of a bare field."""
    rows: list[list[str]] = [[]]
    position, ended = 0, ","
    while position < len(subject) or ended == ",":
        match = _FIELD.match(subject, position)
        if match is None:
            raise FailureError("not valid CSV")
        position, ended = match.end(), match["end"]
        bare = match["bare"]
        rows[-1].append(match["quoted"].replace('""', '"').replace("\r\n", "\n") if bare is None else bare)
        if ended != ",":
            rows.append([])
        if len(rows) > MAX_ITEMS:
            raise NotEvaluatedError(f"a list of more than {MAX_ITEMS:,} items")
    return rows


_TABLE: tuple[tuple[str, str, Run], ...] = (
    ("csvdecode", "string -> any", _csvdecode),
    ("jsondecode", "string -> any", known(_jsondecode)),
    ("jsonencode", "any? -> string", _jsonencode),
)
DOCUMENTS: dict[str, Function] = {name: function(name, signature, run) for name, signature, run in _TABLE}
