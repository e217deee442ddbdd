"""The texts of policies as HTML: paragraphs, indented code, and code between backticks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlguard.policy.model import Policy
from mlguard.render.escape import html
from mlguard.render.fragments import Html, fragment, joined, text

_CODE = re.compile(r"`([^`\n]{1,300})`")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


def prose(content: str) -> Html:
    """Write a text of several paragraphs; one with indented lines is code."""
    parts = (part.strip("\n") for part in _PARAGRAPH.split(content.strip("\n")))
    return joined((_block(part) for part in parts if part.strip()), "\n")


def _block(part: str) -> Html:
    if part.startswith(("  ", "\t")) or "\n  " in part or "\n\t" in part:
        return fragment("block", text=Html(html(part.expandtabs(4))))
    return fragment("paragraph", content=spoken(part))


def spoken(content: str) -> Html:
    """Write a text on one line, what stands between backticks as code."""
    return joined(_spoken(content))


def _spoken(content: str) -> Iterator[Html]:
    for number, part in enumerate(_CODE.split(content)):
        if part:
            yield fragment("mono", text=part) if number % 2 else text(part)


def references(policy: Policy) -> Html:
    """Link the pages that a policy names; one that does not come with mlguard may be a stranger's and gets no link."""
    pages = [page for page in policy.references if page.startswith("https://") and policy.built_in]
    links = [fragment("reference", address=page, text=page.removeprefix("https://")) for page in pages]
    return fragment("references", links=joined(links, ", ")) if links else Html()
