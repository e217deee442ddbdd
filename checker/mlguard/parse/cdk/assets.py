"""Find the template of a nested stack in its assembly."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlguard.errors import MlguardError
from mlguard.parse.json_document import load_json
from mlguard.parse.markup import plain
from mlguard.source import Root
from mlguard.value import Node

_HASH = re.compile(r"/([0-9a-f]{64})\.json")
Inside = Callable[[object], str | None]
"""Gives the path of a file that an assembly names, None when the file is not in the assembly."""


def mapping(value: object) -> dict[str, Any]:
    """Give a mapping as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


@dataclass(slots=True)
class NestedTemplates:
    """The templates of nested stacks in one folder of an assembly, as its artifacts describe them.

    `aws:asset:path` names the file where the CDK's command line synthesized; the asset manifests name it by the hash
    in `TemplateURL` where the app ran by itself.
    """

    root: Root
    inside: Inside
    artifacts: Mapping[str, Any]
    _by_hash: dict[str, str] | None = field(default=None)

    def locate(self, _path: str, _name: str, node: Node) -> str | None:
        """Give the path of the template that a resource of type AWS::CloudFormation::Stack deploys."""
        resource = mapping(plain(node))
        path = self.inside(mapping(resource.get("Metadata")).get("aws:asset:path"))
        if path is None:
            url = json.dumps(mapping(resource.get("Properties")).get("TemplateURL"), default=str)
            hashes = _HASH.findall(url)
            path = self.inside(self._assets().get(hashes[0])) if len(hashes) == 1 else None
        return path

    def _assets(self) -> dict[str, str]:
        if self._by_hash is None:
            self._by_hash = {}
            for artifact in self.artifacts.values():
                entry = mapping(artifact)
                if entry.get("type") == "cdk:asset-manifest":
                    self._by_hash.update(self._files(mapping(entry.get("properties")).get("file")))
        return self._by_hash

    def _files(self, name: object) -> dict[str, str]:
        path = self.inside(name)
        try:
            listed = mapping(mapping(plain(load_json(self.root.read(path)))).get("files")) if path else {}
        except MlguardError:
            return {}  # an assembly without the means to deploy it can still be read
        paths = ((key, mapping(mapping(file).get("source")).get("path")) for key, file in listed.items())
        return {key: path for key, path in paths if isinstance(path, str)}
