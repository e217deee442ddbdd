"""Pieces of HTML, kept in `assets/report.html`: filled in with text, which is escaped, or with HTML."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from string import Template

from mlguard.render.escape import html, shortened, visible

_FRAGMENT = re.compile(r"^<!-- fragment: ([a-z-]+) -->\n", re.MULTILINE)
_CAP = 4000
"""How many characters of one text are shown."""


class Html(str):
    """Text that is HTML already: a fragment filled in, or several of them."""

    __slots__ = ()


EMPTY = Html("")


def fragment(kind: str, /, **values: str | int) -> Html:
    """Fill in a fragment; every value is escaped, but what is `Html` already."""
    filled = {key: value if isinstance(value, Html) else text(str(value)) for key, value in values.items()}
    return Html(_fragments()[kind].substitute(filled))


def text(content: str, limit: int = _CAP) -> Html:
    """Escape a text for HTML, between tags and in quoted attributes; it is one line."""
    return Html(html(visible(shortened(" ".join(content.split("\n")), limit))))


def joined(parts: Iterable[Html], between: str = "") -> Html:
    """Put HTML together."""
    return Html(between.join(parts))


def asset(name: str) -> Html:
    """Read a style sheet or script that is kept beside this module."""
    return Html(_read(name))


def content_hash(content: str) -> str:
    """Give a hash as a Content-Security-Policy names it: only this style or script may take part in the page."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")


@cache
def _fragments() -> Mapping[str, Template]:
    parts = _FRAGMENT.split(_read("report.html"))[1:]
    return {name: Template(body.removesuffix("\n")) for name, body in zip(parts[::2], parts[1::2], strict=True)}


@cache
def _read(name: str) -> str:
    return files("mlguard.render").joinpath("assets", name).read_text("utf-8")
