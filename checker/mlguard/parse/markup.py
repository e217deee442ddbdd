"""Read a document that is written in YAML or JSON."""

from __future__ import annotations

from mlguard.errors import LimitError, ParseError
from mlguard.parse.json_document import load_json
from mlguard.parse.yaml_document import load_yaml
from mlguard.source import Document
from mlguard.value import Entries, Items, Node


def load_markup(document: Document) -> list[Node]:
    """Parse each document of a YAML or JSON text; a text that begins like JSON and is not is tried as YAML.

    Raises ParseError or LimitError with the line where that fails.
    """
    if document.text.lstrip()[:1] != "{":
        return load_yaml(document)
    try:
        return [load_json(document)]
    except LimitError:
        raise
    except ParseError as as_json:
        if "given twice" in as_json.message:
            raise
        try:
            return load_yaml(document)
        except ParseError:
            raise as_json from None


def plain(node: Node) -> object:
    """Give a node that was read from a file as dict, list and scalar."""
    if isinstance(node.content, Entries):
        return {key: plain(value) for key, value in node.content.nodes.items()}
    if isinstance(node.content, Items):
        return [plain(value) for value in node.content.nodes]
    return node.content
