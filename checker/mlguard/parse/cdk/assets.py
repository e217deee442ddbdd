"""Find the template of a nested stack in its assembly."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlguard.errors import MlguardError
from mlguard.parse.cdk.constructs import Constructs
from mlguard.parse.markup import plain
from mlguard.record import record
from mlguard.value import Node

_HASH = re.compile(r"/([0-9a-f]{64})\.json")
Inside = Callable[[object], str | None]
"""Gives the path of a file that an assembly names, None when the file is not in the assembly."""


def mapping(value: object) -> dict[str, Any]:
    """Give a mapping as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


@record(frozen=False)
class NestedTemplates:
    """The templates of the nested stacks of one stack.

    `aws:asset:path` names the file where the CDK's command line synthesized. Where the app ran by itself, the
    metadata of current versions name it; else it is the asset whose hash stands in `TemplateURL`. `manifests` are the
    artifacts that the stack depends on.
    """

    inside: Inside
    read: Callable[[str], object]
    constructs: Constructs
    manifests: Sequence[Mapping[str, Any]]
    _by_hash: dict[str, str] | None = None

    def locate(self, path: str, name: str, node: Node) -> str | None:
        """Give the path of the template that the resource of this name in the template at `path` deploys."""
        resource = mapping(plain(node))
        found = self.inside(mapping(resource.get("Metadata")).get("aws:asset:path"))
        found = found or self.inside(self.constructs.nested_template(path, name) or None)
        if found is None:
            hashes = _HASH.findall(json.dumps(mapping(resource.get("Properties")).get("TemplateURL"), default=str))
            found = self.inside(self._assets().get(hashes[0])) if len(hashes) == 1 else None
        return found

    def _assets(self) -> dict[str, str]:
        if self._by_hash is None:
            self._by_hash = {}
            for artifact in self.manifests:
                if artifact.get("type") == "cdk:asset-manifest":
                    self._by_hash.update(self._files(mapping(artifact.get("properties")).get("file")))
        return self._by_hash

    def _files(self, name: object) -> dict[str, str]:
        path = self.inside(name)
        try:
            listed = mapping(mapping(self.read(path)).get("files")) if path is not None else {}
        except MlguardError:
            return {}  # an assembly without the means to deploy it can still be read
        paths = ((key, mapping(mapping(file).get("source")).get("path")) for key, file in listed.items())
        return {key: path for key, path in paths if isinstance(path, str)}
