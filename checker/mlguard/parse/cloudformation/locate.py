"""Finding the templates that others deploy: nested stacks, applications, stack sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from mlguard.parse.cloudformation.inner_stacks import local_path
from mlguard.source import Root
from mlguard.value import Node


def locator(root: Root) -> Callable[[str, str, Node], str | None]:
    """Follow the path of a template beside another one, as `aws cloudformation package` and `sam` read it."""

    def locate(path: str, _name: str, node: Node) -> str | None:
        written = local_path(node)
        found = root.resolve(str(PurePosixPath(path).parent), written) if written is not None else None
        return found if found is not None and root.is_file(found) else None

    return locate
