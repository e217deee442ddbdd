"""Take settings out of the nodes of a configuration; what is wrong is refused with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlguard.errors import ConfigurationError, suggestion
from mlguard.source import Span
from mlguard.value import Entries, Items, Node, text_of


def known_keys(fields: Mapping[str, Node], known: Iterable[str]) -> None:
    """Refuse a key that means nothing: a typing error must not pass for a setting."""
    for key, node in fields.items():
        if key not in known:
            raise refused(f'there is no setting "{key}"{suggestion(key, known)}', node)


def mapping(node: Node, what: str) -> Mapping[str, Node]:
    """Give the entries of a mapping."""
    if not isinstance(node.content, Entries):
        raise refused(f"{what} must be a mapping", node)
    return node.content.nodes


def text(fields: Mapping[str, Node], key: str) -> str:
    """Give a text, empty where the key is absent."""
    node = fields.get(key)
    if node is None:
        return ""
    written = text_of(node.content)
    if written is None:
        raise refused(f'"{key}" must be a text', node)
    return written


def texts(fields: Mapping[str, Node], key: str) -> tuple[str, ...]:
    """Give a list of texts; one text stands for a list of it."""
    node = fields.get(key)
    if node is None:
        return ()
    nodes = node.content.nodes if isinstance(node.content, Items) else (node,)
    found = [text_of(item.content) for item in nodes]
    if any(text is None for text in found):
        raise refused(f'"{key}" must be a text or a list of texts', node)
    return tuple(text for text in found if text is not None)


def flag(fields: Mapping[str, Node], key: str) -> bool:
    """Give true or false, the latter where the key is absent."""
    node = fields.get(key)
    if node is not None and not isinstance(node.content, bool):
        raise refused(f'"{key}" must be true or false', node)
    return node is not None and node.content is True


def place_of(at: Span) -> tuple[str, int, int]:
    """Give a place as errors take it."""
    return at.path, at.line, at.column


def refused(message: str, node: Node) -> ConfigurationError:
    """Give the error that points at a value."""
    return ConfigurationError(message, *place_of(node.place))
