"""Texts. Regular expressions run in bounded time, or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta

from mlguard.parse.terraform.values import (
    MAX_TEXT,
    FailureError,
    hidden,
    is_known,
    number,
    pattern_of,
    plain,
    text,
    unknown,
)
from mlguard.source import Span
from mlguard.value import Content, Items, Node

_MAX_WIDTH = 10_000
_MAX_WORK = 50_000_000
_VERB = re.compile(r"%(?P<flags>[-+ 0#]*)(?P<width>\d+)?(?:\.(?P<precision>\d+))?(?:\[(?P<index>\d+)\])?(?P<verb>.)")
_CLASSES = {
    "[:alpha:]": "a-zA-Z",
    "[:alnum:]": "a-zA-Z0-9",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:upper:]": "A-Z",
    "[:space:]": r"\s",
    "[:word:]": r"\w",
    "[:xdigit:]": "0-9A-Fa-f",
}
_QUANTIFIER = re.compile(r"[*+?]|\{\d+(?:,\d*)?\}")
_DURATION = re.compile(r"(-?\d+(?:\.\d+)?)(h|ms|us|ns|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def compiled(source: str, subject: str) -> re.Pattern[str]:
    """Compile an expression of Go's engine; FailureError where Python's may take too long over the subject."""
    if len(source) > 1_000 or "(?" in source.replace("(?:", "").replace("(?P<", "").replace("(?i)", ""):  # noqa: PLR2004  (a human wrote it)
        raise FailureError("the regular expression is not one that mlguard evaluates")
    for name, characters in _CLASSES.items():
        source = source.replace(name, characters)
    if "[[" in source or "--" in source or "&&" in source or "||" in source or "~~" in source:
        raise FailureError("the regular expression is not one that mlguard evaluates")
    loops = _loops(source)
    if (len(subject) + 1) ** (loops + 1) > _MAX_WORK:
        raise FailureError("the regular expression may take too long")
    try:
        return re.compile(source.replace(r"\z", r"\Z"), re.ASCII)
    except (re.error, RecursionError, OverflowError):
        raise FailureError("the regular expression is not valid") from None


def _loops(source: str) -> int:
    """Count the repetitions; FailureError where one holds another or an alternative."""
    groups: list[bool] = [False]
    loops, position, closed = 0, 0, False
    while position < len(source):
        character = source[position]
        quantifier = _QUANTIFIER.match(source, position)
        if character == "\\":
            position, closed = position + 2, False
        elif character == "[":
            end = _class_end(source, position)
            position, closed = end, False
        elif character == "(":
            groups.append(False)
            position, closed = position + (2 if source.startswith("(?", position) else 1), False
        elif character == ")":
            closed = groups.pop() if len(groups) > 1 else False
            groups[-1] = groups[-1] or closed
            position += 1
        elif quantifier:
            repeats = quantifier[0] != "?"
            if repeats and closed:
                raise FailureError("the regular expression repeats a repetition")
            loops += 1
            groups[-1] = True
            position, closed = quantifier.end(), False
            position += 1 if source.startswith("?", position) else 0
        else:
            groups[-1] = groups[-1] or (character == "|")
            position, closed = position + 1, False
    return loops


def _class_end(source: str, position: int) -> int:
    end = position + 1
    end += 1 if source.startswith("^", end) else 0
    end += 1 if source.startswith("]", end) else 0
    while end < len(source) and source[end] != "]":
        end += 2 if source[end] == "\\" else 1
    return end + 1


def _found(match: re.Match[str]) -> object:
    if match.re.groupindex:
        return match.groupdict()
    return list(match.groups()) if match.re.groups else match[0]


def regex(source: str, subject: str) -> object:
    """Give the first match: a text, or the groups where there are any."""
    match = compiled(source, subject).search(subject)
    if match is None:
        raise FailureError("the regular expression does not match")
    return _found(match)


def _regexall(source: str, subject: str) -> list[object]:
    return [_found(match) for match in compiled(source, subject).finditer(subject)]


def _replace(subject: str, search: str, replacement: object) -> str:
    new = text(replacement)  # type: ignore[arg-type]
    subject = text(subject)
    if len(search) > 1 and search[0] == search[-1] == "/":
        expression = compiled(search[1:-1], subject)
        template = re.sub(r"\$(?:(\d+)|\{(\w+)\})", r"\\g<\1\2>", new.replace("\\", "\\\\"))
        _bound(subject.count("") * (len(new) + 1))
        return expression.sub(template, subject)
    _bound(len(subject) + (subject.count(search) if search else len(subject) + 1) * len(new))
    return subject.replace(search, new)


def _bound(size: int) -> None:
    if size > MAX_TEXT * 10:
        raise FailureError(f"a text of more than {MAX_TEXT:,} characters")


def _substr(subject: str, offset: float, length: float) -> str:
    start, count = int(offset), int(length)
    start = max(len(subject) + start, 0) if start < 0 else start
    return subject[start:] if count < 0 else subject[start : start + count]


def _indent(count: float, subject: str) -> str:
    if count > _MAX_WIDTH:
        raise FailureError("the indentation is too wide")
    _bound(len(subject) + subject.count("\n") * int(count))
    return subject.replace("\n", "\n" + " " * int(count))


def _title(subject: str) -> str:
    return re.sub(r"(?<![^\W_])[^\W\d_]", lambda match: match[0].upper(), subject)


def _trim_suffix(subject: str, suffix: str) -> str:
    return subject.removesuffix(suffix)


def _timeadd(moment: str, duration: str) -> str:
    seconds = sum(float(amount) * _SECONDS[unit] for amount, unit in _DURATION.findall(duration))
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def _timecmp(first: str, second: str) -> int:
    one, other = datetime.fromisoformat(first), datetime.fromisoformat(second)
    return (one > other) - (one < other)


def _on_text(function: Callable[[str], str]) -> Callable[[object], str]:
    return lambda subject: function(text(subject))  # type: ignore[arg-type]


STRINGS: dict[str, Callable[..., object]] = {
    "chomp": _on_text(lambda subject: subject.rstrip("\r\n")),
    "endswith": lambda subject, end: text(subject).endswith(text(end)),
    "indent": _indent,
    "lower": _on_text(str.lower),
    "regex": regex,
    "regexall": _regexall,
    "replace": _replace,
    "split": lambda separator, subject: text(subject).split(separator) if separator else list(text(subject)),
    "startswith": lambda subject, start: text(subject).startswith(text(start)),
    "strcontains": lambda subject, part: text(part) in text(subject),
    "strrev": _on_text(lambda subject: subject[::-1]),
    "substr": _substr,
    "timeadd": _timeadd,
    "timecmp": _timecmp,
    "title": _on_text(_title),
    "trim": lambda subject, characters: text(subject).strip(text(characters)),
    "trimprefix": lambda subject, prefix: text(subject).removeprefix(text(prefix)),
    "trimspace": _on_text(str.strip),
    "trimsuffix": lambda subject, suffix: text(subject).removesuffix(text(suffix)),
    "upper": _on_text(str.upper),
}


def _join(arguments: list[Node], _span: Span) -> Content:
    """Join lists of texts; partly known ones become a pattern."""
    separator, *lists = arguments
    if unknown(separator.content) or not all(isinstance(found.content, Items) for found in lists):
        return hidden(arguments)
    between = text(separator.content)
    nodes = [node for found in lists if isinstance(found.content, Items) for node in found.content.nodes]
    pieces = [_shown(node) for node in nodes]
    _bound(sum(map(len, pieces)) + len(between) * len(pieces))
    whole = between.join(pieces)
    open_end = any(isinstance(found.content, Items) and found.content.rest is not None for found in lists)
    if not open_end and not any(unknown(node.content) for node in nodes):
        return whole
    return hidden(arguments, whole + "*" if open_end else whole)


def _shown(node: Node) -> str:
    found = pattern_of(node.content)
    if found is None:
        raise FailureError("a text was expected")
    return found


def _format(arguments: list[Node], _span: Span) -> Content:
    """Format as Go does; an unknown argument becomes `*` in a pattern."""
    first, *values = arguments
    if unknown(first.content):
        return hidden(arguments)
    position = 0
    pieces: list[str] = []
    since = 0
    source = text(first.content)
    for match in _VERB.finditer(source):
        pieces.append(source[since : match.start()])
        since = match.end()
        if match["verb"] == "%":
            pieces.append("%")
            continue
        position = int(match["index"]) if match["index"] and len(match["index"]) < 4 else position + 1  # noqa: PLR2004  (digits)
        if position > len(values):
            raise FailureError("fewer values than the format asks for")
        pieces.append(_formatted(match, values[position - 1]))
    pieces.append(source[since:])
    _bound(sum(map(len, pieces)))
    whole = "".join(pieces)
    return whole if all(is_known(value) for value in values) else hidden(values, whole)


def _formatted(match: re.Match[str], value: Node) -> str:
    if not is_known(value):
        return pattern_of(value.content) or "*"
    width, precision = (int((match[name] or "0")[:9]) for name in ("width", "precision"))
    if width > _MAX_WIDTH or precision > _MAX_WIDTH:
        raise FailureError("the width is too large")
    shown = _verb(match["verb"], plain(value), precision if match["precision"] else None)
    flags = match["flags"]
    if "+" in flags and match["verb"] in "dfeEgG" and not shown.startswith("-"):
        shown = "+" + shown
    if "-" in flags:
        return shown.ljust(width)
    return shown.zfill(width) if "0" in flags and match["verb"] != "s" else shown.rjust(width)


def _verb(verb: str, value: object, precision: int | None) -> str:
    if verb == "d":
        return str(int(number(value)))
    if verb in "feEgG":
        return format(float(number(value)), f".{6 if precision is None else precision}{verb}")
    if verb in "xXob":
        return format(int(number(value)), verb)
    if verb == "q":
        return json.dumps(text(value), ensure_ascii=False)  # type: ignore[arg-type]
    if verb == "t":
        return text(value)  # type: ignore[arg-type]
    if verb not in "sv":
        raise FailureError(f"%{verb} is not a format")
    if isinstance(value, list | dict) or value is None:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    shown = text(value)  # type: ignore[arg-type]
    return shown if precision is None else shown[:precision]


def _formatlist(arguments: list[Node], span: Span) -> Content:
    first, *values = arguments
    lists = [value.content for value in values if isinstance(value.content, Items)]
    if any(found.rest is not None for found in lists) or any(unknown(value.content) for value in values):
        return hidden(arguments)
    length = len(lists[0].nodes) if lists else 1
    if any(len(found.nodes) != length for found in lists):
        raise FailureError("the lists have different lengths")
    rows = (
        [value.content.nodes[row] if isinstance(value.content, Items) else value for value in values]
        for row in range(length)
    )
    return Items(tuple(Node(_format([first, *row], span), span) for row in rows))


PARTLY: dict[str, Callable[[list[Node], Span], Content | Node]] = {
    "format": _format,
    "formatlist": _formatlist,
    "join": _join,
}
