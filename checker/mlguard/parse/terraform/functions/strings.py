"""Texts."""

from __future__ import annotations

import re
from collections.abc import Callable

from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.functions.graphemes import graphemes
from mlguard.parse.terraform.functions.signature import Call, Function, Run, function, known
from mlguard.parse.terraform.values import MAX_TEXT, SetItems, hidden, pattern_of, text, unknown, whole
from mlguard.value import Content, Items, Unknown

_BLANK = "".join(
    map(chr, (*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000))
)
"""What Go takes for white space."""


def _substr(subject: str, offset: object, length: object) -> str:
    parts = graphemes(subject)
    start, count = whole(offset), whole(length)
    start = max(len(parts) + start, 0) if start < 0 else start
    return "".join(parts[start:] if count < 0 else parts[start : start + count])


def _indent(count: object, subject: str) -> str:
    width = whole(count)
    if width < 0:
        raise FailureError("the indentation is negative")
    if len(subject) + subject.count("\n") * width > MAX_TEXT:
        raise NotEvaluatedError(f"a text of more than {MAX_TEXT:,} characters")
    return subject.replace("\n", "\n" + " " * width)


def _upper(character: str) -> str:
    """Give the one character that Go takes for the capital letter."""
    for form in (character.upper(), character.title()):
        if len(form) == 1:
            return form
    return character


def _title(subject: str) -> str:
    """Write the first letter of each word in upper case, as Go tells words apart."""
    before, pieces = " ", []
    for character in subject:
        apart = not (before.isalnum() or before == "_") if before.isascii() else before.isspace()
        title = character.title()
        pieces.append(title if apart and len(title) == 1 else character)
        before = character
    return "".join(pieces)


def _cased(change: Callable[[str], str]) -> Run:
    """Change each character; the unknown parts of a partly known text stay unknown."""

    def run(call: Call) -> Content:
        content = call[0].content
        if isinstance(content, Unknown):
            return hidden(call.arguments, "".join(map(change, content.pattern)))
        return call.hidden() if unknown(content) else "".join(map(change, text(content)))

    return run


def _edge(known_text: Callable[[str, str], bool], *, start: bool) -> Run:
    """Look at the begin or the end of a text, which may be known of a partly known one."""

    def run(call: Call) -> Content:
        whole_text, part = call[0].content, call[1].content
        if unknown(part):
            return call.hidden()
        wanted = text(part)
        if not unknown(whole_text):
            return known_text(text(whole_text), wanted)
        pattern = pattern_of(whole_text) or "*"
        edge = pattern.partition("*")[0] if start else pattern.rpartition("*")[2]
        if known_text(edge, wanted):
            return True
        shorter = edge[: len(wanted)] if start else edge[len(edge) - min(len(edge), len(wanted)) :]
        return call.hidden() if known_text(wanted, shorter) and len(edge) < len(wanted) else False

    return run


def _join(call: Call) -> Content:
    """Join lists of texts; partly known ones become a pattern."""
    separator, *lists = call.arguments
    if any(unknown(argument.content) for argument in call.arguments):
        return call.hidden()
    between = text(separator.content)
    found = [node.content for node in lists if isinstance(node.content, Items)]
    nodes = [node for one in found for node in one.nodes]
    pieces = [pattern_of(node.content) for node in nodes]
    if None in pieces:
        raise FailureError("an item is null")
    texts = [piece for piece in pieces if piece is not None]
    if sum(map(len, texts)) + len(between) * len(texts) > MAX_TEXT:
        raise NotEvaluatedError(f"a text of more than {MAX_TEXT:,} characters")
    joined = between.join(texts)
    if any(one.rest is not None for one in found):
        sets = any(isinstance(one, SetItems) for one in found)
        return hidden(call.arguments, "*" if sets else "*".join(["", *texts, ""]))
    return hidden(call.arguments, joined) if any(unknown(node.content) for node in nodes) else joined


def _split(separator: str, subject: str) -> list[str]:
    return subject.split(separator) if separator else list(subject)


_TABLE: tuple[tuple[str, str, Run], ...] = (
    ("chomp", "string -> string", known(lambda subject: re.sub(r"(?:\r\n?|\n)*\Z", "", subject))),
    ("endswith", "string string -> bool", _edge(str.endswith, start=False)),
    ("indent", "number string -> string", known(_indent)),
    ("join", "string list(string)* -> string", _join),
    ("lower", "string -> string", _cased(lambda character: character.lower()[:1])),
    ("split", "string string -> list(string)", known(_split)),
    ("startswith", "string string -> bool", _edge(str.startswith, start=True)),
    ("strcontains", "string string -> bool", known(lambda subject, part: part in subject)),
    ("strrev", "string -> string", known(lambda subject: "".join(reversed(graphemes(subject))))),
    ("substr", "string number number -> string", known(_substr)),
    ("title", "string -> string", known(_title)),
    ("trim", "string string -> string", known(lambda subject, characters: subject.strip(characters))),
    ("trimprefix", "string string -> string", known(lambda subject, prefix: subject.removeprefix(prefix))),
    ("trimspace", "string -> string", known(lambda subject: subject.strip(_BLANK))),
    ("trimsuffix", "string string -> string", known(lambda subject, suffix: subject.removesuffix(suffix))),
    ("upper", "string -> string", _cased(_upper)),
)
STRINGS: dict[str, Function] = {name: function(name, signature, run) for name, signature, run in _TABLE}
