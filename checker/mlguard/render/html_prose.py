"""The texts of policies as HTML: paragraphs, code, and code between backticks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlguard.policy.model import Policy
from mlguard.render.advice import fix_blocks, paragraphs
from mlguard.render.escape import html, shortened
from mlguard.render.fragments import Html, fragment, joined, text

_CODE = re.compile(r"`([^`\n]{1,300})`")
_CAP = 4000  # characters of a paragraph


def prose(content: str) -> Html:
    """Write a text of several paragraphs."""
    return joined((fragment("paragraph", content=spoken(part)) for part in paragraphs(content)), "\n")


def fix(content: str) -> Html:
    """Write a fix, its code as code."""
    return joined((_block(part) if code else prose(part) for code, part in fix_blocks(content)), "\n")


def _block(code: str) -> Html:
    return fragment("block", text=Html(html(shortened(code, _CAP).expandtabs(4))))


def spoken(content: str) -> Html:
    """Write a text on one line, what stands between backticks as code."""
    return joined(_spoken(shortened(content, _CAP)))


def _spoken(content: str) -> Iterator[Html]:
    for number, part in enumerate(_CODE.split(content)):
        if part:
            yield fragment("mono", text=part) if number % 2 else text(part)


def references(policy: Policy) -> Html:
    """Link the pages that a policy names; one that does not come with mlguard may be a stranger's and gets no link."""
    pages = [page for page in policy.references if page.startswith("https://") and policy.built_in]
    links = [fragment("reference", address=page, text=page.removeprefix("https://")) for page in pages]
    return fragment("references", links=joined(links, ", ")) if links else Html()
