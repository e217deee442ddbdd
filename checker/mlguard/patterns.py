"""Regular expressions: our own, compiled when they are first used; those of strangers, only when they cannot take long.

Python's engine backtracks. What it is given of strangers has no repeat inside of a repeat, no repeated alternatives, no
references back, and few repeats without an end, so that matching a short text is always quick.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr


class _LazyPattern:
    __slots__ = ("_made_of", "findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn")

    def __init__(self, pattern: Any, flags: int) -> None:  # noqa: ANN401  (text or bytes)
        self._made_of = (pattern, flags)

    def __getattr__(self, name: str) -> object:  # only of what is not there yet
        compiled = re.compile(*self._made_of)
        for method in self.__slots__[1:]:
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def lazy_pattern(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Give a pattern that is compiled when it is first used: for modules that many load and few need all of.

    It has the methods of one that is compiled, just as fast, but is no `pattern` for the functions of `re`.
    """
    return _LazyPattern(pattern, flags)  # type: ignore[return-value]  # it does what one does


MAX_SUBJECT = 2000
"""The longest text, in characters, that a stranger's pattern may be matched against."""

_MAX_PATTERN = 500
_MAX_OPEN_REPEATS = 2
_REPEAT = lazy_pattern(r"\{(\d*)(,?)(\d*)\}")
_MAX_COUNT = 100
_LETTERS = r"(?:[\w-]|\\[.-]|\[\.\])"
_PIECE = lazy_pattern(rf"\((?:\?:)?(?P<group>(?:{_LETTERS}|\|)+)\)|(?P<plain>{_LETTERS}+)")
_DOT = lazy_pattern(r"\\([.-])|\[(\.)\]")
_MAX_ALTERNATIVES = 256


def compile_safely(pattern: str) -> re.Pattern[str] | None:
    """Compile a pattern; None when it is wrong or could take long."""
    if len(pattern) > _MAX_PATTERN or not _is_quick(pattern):
        return None
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None


def _is_quick(pattern: str) -> bool:  # noqa: C901  (one small automaton, told in one place)
    groups = [False]  # for each open group, whether its content varies
    closed_varies = False
    open_repeats = position = 0
    while position < len(pattern):
        letter = pattern[position]
        step = 1
        varies_before = closed_varies
        closed_varies = False
        if letter == "\\":
            if pattern[position + 1 : position + 2].isdigit():
                return False
            step = 2
        elif letter == "[":
            step = _class_length(pattern, position)
        elif letter == "(":
            if pattern[position + 1 : position + 2] == "?" and pattern[position + 2 : position + 3] not in (
                ":",
                "P",
                "i",
            ):
                return False
            groups.append(False)
        elif letter == ")":
            closed_varies = groups.pop() if len(groups) > 1 else False
            groups[-1] = groups[-1] or closed_varies
        elif letter == "|":
            groups[-1] = True
        elif letter in "*+{":
            count = _REPEAT.match(pattern, position) if letter == "{" else None
            if letter != "{" or count is not None:
                if varies_before or (count is not None and int(count[3] or count[1] or 0) > _MAX_COUNT):
                    return False
                open_repeats += count is None or (bool(count[2]) and not count[3])
                groups[-1] = True
                step = len(count[0]) if count is not None else 1
        position += step
    return open_repeats <= _MAX_OPEN_REPEATS


def _class_length(pattern: str, start: int) -> int:
    position = start + 1
    if pattern[position : position + 1] == "^":
        position += 1
    position += 1  # a bracket right after the opening one is a letter
    while position < len(pattern) and pattern[position] != "]":
        position += 2 if pattern[position] == "\\" else 1
    return position - start + 1


def alternatives(pattern: str) -> tuple[str, ...] | None:
    """Give the texts that a regular expression matches where it does no more than list them; None otherwise.

    `^(t3|m5)[.]large$`, with the dot escaped either way, lists two.
    """
    found: dict[str, None] = {}
    for branch in pattern.split("|^"):
        whole = branch.removeprefix("^")
        if not pattern.startswith("^") or not whole.endswith("$"):
            return None
        texts = _product(whole.removesuffix("$"))
        if texts is None or len(found) + len(texts) > _MAX_ALTERNATIVES:
            return None
        found.update(dict.fromkeys(texts))
    return tuple(found) or None


def _product(pattern: str) -> list[str] | None:
    texts, position = [""], 0
    while position < len(pattern):
        match = _PIECE.match(pattern, position)
        if match is None:
            return None
        position = match.end()
        options = [
            _DOT.sub(lambda dot: dot[1] or dot[2], option) for option in (match["group"] or match["plain"]).split("|")
        ]
        if len(texts) * len(options) > _MAX_ALTERNATIVES:
            return None
        texts = [before + option for before in texts for option in options]
    return texts
