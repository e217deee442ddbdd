"""Characters as a person sees them: what `length`, `substr` and `strrev` count.

A close reading of https://unicode.org/reports/tr29/ with what Python knows of Unicode.
"""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"
_FLAGS = range(0x1F1E6, 0x1F200)
_SKIN = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
_LEADING, _VOWEL, _TRAILING = range(0x1100, 0x1160), range(0x1160, 0x11A8), range(0x11A8, 0x1200)
_SYLLABLES = range(0xAC00, 0xD7A4)
_TRAILS = 28


def graphemes(text: str) -> list[str]:
    """Split a text into what a person takes for its characters."""
    if text.isascii() and "\r\n" not in text:
        return list(text)
    found: list[str] = []
    flags = 0
    for character in text:
        if found and _together(found[-1], character, flags):
            found[-1] += character
        else:
            found.append(character)
        flags = flags + 1 if ord(character) in _FLAGS else 0
    return found


def _together(before: str, character: str, flags: int) -> bool:
    """Tell whether a character belongs to what stands before it."""
    last, code = before[-1], ord(character)
    if last == "\r" or character == "\r":
        return last == "\r" and character == "\n"
    if unicodedata.category(last) in ("Cc", "Zl", "Zp") or unicodedata.category(character) in ("Cc", "Zl", "Zp"):
        return False
    if _extends(character):
        return True
    if last == _JOINER:
        return unicodedata.category(before[0]) == "So" and unicodedata.category(character) == "So"
    return (flags % 2 == 1 and code in _FLAGS) or _one_syllable(ord(last), code)


def _extends(character: str) -> bool:
    code = ord(character)
    return (
        unicodedata.category(character) in ("Mn", "Me", "Mc") or character == _JOINER or code in _SKIN or code in _TAGS
    )


def _one_syllable(last: int, code: int) -> bool:
    """Tell whether two parts of Korean writing make one syllable."""
    syllable = code in _SYLLABLES
    if last in _LEADING:
        return code in _LEADING or code in _VOWEL or syllable
    open_end = last in _SYLLABLES and (last - _SYLLABLES.start) % _TRAILS == 0
    if last in _VOWEL or open_end:
        return code in _VOWEL or code in _TRAILING
    return code in _TRAILING and (last in _SYLLABLES or last in _TRAILING)
