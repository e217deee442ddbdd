"""Whether texts match patterns, where a part of the text may not be known: yes, no, or None for perhaps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache

HOLE = "\ue000"
"""Stands in a text for a part of it that is not known."""

_ARN_PARTS = 6
_MAX_TEXT = 2_000


def negation(answer: bool | None) -> bool | None:  # noqa: FBT001  (a truth of three values)
    """Give the opposite; perhaps stays perhaps."""
    return None if answer is None else not answer


def every(answers: Iterable[bool | None]) -> bool | None:
    """Tell whether all answers are yes."""
    result: bool | None = True
    for answer in answers:
        if answer is False:
            return False
        result = result if answer else None
    return result


def some(answers: Iterable[bool | None]) -> bool | None:
    """Tell whether one answer is yes."""
    return negation(every(negation(answer) for answer in answers))


def equals(wanted: str, text: str, *, ignore_case: bool = False) -> bool | None:
    """Tell whether a text is exactly another one."""
    if ignore_case:
        wanted, text = wanted.lower(), text.lower()
    if HOLE not in text:
        return wanted == text
    return None if _filled(text).fullmatch(wanted) else False


def like(pattern: str, text: str, *, ignore_case: bool = False) -> bool | None:
    """Tell whether a text matches a pattern, in which `*` stands for any text and `?` for any character."""
    if ignore_case:
        pattern, text = pattern.lower(), text.lower()
    if "${" in pattern or len(text) > _MAX_TEXT or len(pattern) > _MAX_TEXT:
        return None
    if _compiled(pattern).fullmatch(text):
        return True
    return None if HOLE in text and _meet(pattern, text) else False


def arn_like(pattern: str, text: str, *, partly: bool = False) -> bool | None:
    """Tell whether an ARN matches a pattern; no wildcard reaches beyond one of the six parts.

    With `partly`, as under Resource, a pattern of fewer parts that ends with a wildcard stands for all that follows.
    """
    if text == HOLE:
        return True if pattern == "*" else None
    wanted, given = pattern.split(":", _ARN_PARTS - 1), text.split(":", _ARN_PARTS - 1)
    if partly and len(wanted) < _ARN_PARTS and wanted[-1].endswith("*"):
        wanted += ["*"] * (_ARN_PARTS - len(wanted))
    if len(wanted) < _ARN_PARTS or len(given) < _ARN_PARTS:
        return False
    return every(like(one, other) for one, other in zip(wanted, given, strict=True))


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern; a hole in the text is only matched by `*`, which takes whatever may stand there.

    `translate` makes expressions that never go back over a `*`, so that no pattern takes long.
    """
    return re.compile(translate(pattern.replace("[", "[[]").replace("?", f"[!{HOLE}]")))


@lru_cache(maxsize=4096)
def _filled(text: str) -> re.Pattern[str]:
    escaped = "".join(f"[{one}]" if one in "[*?" else one for one in text)
    return re.compile(translate(escaped.replace(HOLE, "*")))


def _meet(pattern: str, text: str) -> bool:
    """Tell whether some filling of the holes matches the pattern: step through both at once."""
    here = {0}
    for one in pattern:
        here = _after_holes(text, here)
        if one == "*":
            here = set(range(min(here), len(text) + 1)) if here else set()
            continue
        following = {at for at in here if at < len(text) and text[at] == HOLE}  # the hole yields the character
        following |= {at + 1 for at in here if at < len(text) and text[at] != HOLE and one in ("?", text[at])}
        here = following
        if not here:
            return False
    return len(text) in _after_holes(text, here)


def _after_holes(text: str, places: set[int]) -> set[int]:
    """Add the places behind holes, each of which may be empty."""
    found = set(places)
    for place in sorted(places):
        at = place
        while at < len(text) and text[at] == HOLE:
            at += 1
            found.add(at)
    return found
