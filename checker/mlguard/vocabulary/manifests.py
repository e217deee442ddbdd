"""Kubernetes manifests that stand inside of a resource: as a value, as YAML, or as the JSON that the CDK writes."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

from mlguard.errors import LimitError, ParseError
from mlguard.parse.inner_text import inner_text
from mlguard.parse.yaml_document import load_yaml
from mlguard.patterns import lazy_pattern
from mlguard.record import replace
from mlguard.scenario import Scenario
from mlguard.source import Document
from mlguard.value import Entries, Items, Node, Unknown, items, settle, text_of

_MAX_TEXT = 100_000
_HOLE = lazy_pattern(r"(?m)(?P<before>[:\-\[,]\s+|[:\[,])\*(?=\s*(?:[,\]}]|$))")


def manifests_of(
    value: Node | None, word: str, documents: Mapping[str, Document], scenario: Scenario
) -> list[Node] | Unknown:
    """Give the manifests in a value; none where it is a text that does not have the word."""
    if value is None:
        return []
    if isinstance(value.content, Entries):
        return [value]
    partly = value.content if isinstance(value.content, Unknown) else None
    text = partly.pattern if partly is not None else text_of(value.content)
    if text is None:
        listed = items(value, scenario)
        return listed if isinstance(listed, Unknown) else [settle(node, scenario) for node in listed.nodes]
    if partly is not None and text in ("*", ""):
        return partly
    if word not in text:
        return []
    if len(text) > _MAX_TEXT:
        return Unknown(f"its manifest is longer than {_MAX_TEXT:,} characters")
    found = _parsed(value, text, partly, documents)
    if isinstance(found, Unknown):
        return found
    return [node for one in found for node in (one.content.nodes if isinstance(one.content, Items) else (one,))]


def _parsed(value: Node, text: str, partly: Unknown | None, documents: Mapping[str, Document]) -> list[Node] | Unknown:
    written = _HOLE.sub(r'\g<before>"*"', text) if partly is not None else text
    document = documents.get(value.span.path)
    inner = inner_text(document, value.span) if document is not None else None
    try:
        if inner is not None and dedent(inner.inner.text).rstrip() == text.rstrip():
            return [inner.moved(node) for node in load_yaml(inner.inner)]
        nodes = load_yaml(Document(value.span.path, written))
    except (ParseError, LimitError) as error:
        return partly or Unknown(f"its manifest is {error.message}")
    return [_at(node, value, partly) for node in nodes]


def _at(node: Node, value: Node, partly: Unknown | None) -> Node:
    """Put a node to the place of the text that it was read from, where its own is not known."""
    content = node.content
    if isinstance(content, Entries):
        content = Entries({key: _at(below, value, partly) for key, below in content.nodes.items()}, content.rest)
    elif isinstance(content, Items):
        content = Items(tuple(_at(below, value, partly) for below in content.nodes), content.rest)
    elif partly is not None and isinstance(content, str) and "*" in content:
        content = Unknown(partly.because, content, partly.references)
    return replace(node, content=content, span=value.span, key_span=value.key_span, origins=value.origins)
