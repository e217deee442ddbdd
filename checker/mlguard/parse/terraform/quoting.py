"""Texts in double quotes, as Go writes them."""

from __future__ import annotations

import re
import unicodedata

_SPECIAL = re.compile(r'["\\]|[^\x20-\x7e]')
_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}
_SHORT = 0x80
_MIDDLE = 0x10000


def quoted(text: str) -> str:
    """Write a text as `%q` of Go's `fmt` does."""
    return '"' + _SPECIAL.sub(_escaped, text) + '"'


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if code < _SHORT:
        return f"\\x{code:02x}"
    if unicodedata.category(character)[0] in "LMNPS":
        return character
    return f"\\u{code:04x}" if code < _MIDDLE else f"\\U{code:08x}"
