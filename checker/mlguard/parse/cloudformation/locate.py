"""Finding the templates that nested stacks name, beside the template that nests them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from mlguard.source import Root
from mlguard.value import Entries, Node


def locator(root: Root) -> Callable[[str, str, Node], str | None]:
    """Follow a `TemplateURL` that is a path beside the template, as `aws cloudformation package` reads it."""

    def locate(path: str, _name: str, node: Node) -> str | None:
        fields = node.content.nodes if isinstance(node.content, Entries) else {}
        properties = fields.get("Properties")
        url = (
            properties.content.nodes.get("TemplateURL")
            if properties and isinstance(properties.content, Entries)
            else None
        )
        if url is None or not isinstance(url.content, str) or "://" in url.content:
            return None
        found = root.resolve(str(PurePosixPath(path).parent), url.content)
        return found if found is not None and root.is_file(found) else None

    return locate
