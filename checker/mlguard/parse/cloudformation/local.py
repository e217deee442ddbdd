"""Templates as files: telling one from other documents, and finding the nested ones beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from mlguard.parse.cloudformation.loops import LOOP
from mlguard.source import Root
from mlguard.value import Entries, Node


def is_template(node: Node) -> bool:
    """Tell whether a parsed document is a template: resources with a type or loops that write them, or the version."""
    content = node.content
    if not isinstance(content, Entries):
        return False
    resources = content.nodes.get("Resources")
    if "AWSTemplateFormatVersion" in content.nodes:
        return True
    if resources is None or not isinstance(resources.content, Entries):
        return False
    return any(
        key.startswith(LOOP) or (isinstance(entry.content, Entries) and "Type" in entry.content.nodes)
        for key, entry in resources.content.nodes.items()
    )


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
