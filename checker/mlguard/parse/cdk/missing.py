"""Context values that were missing when an app was synthesized.

The CDK puts made-up values in their place and lists what it lacked in the manifest: those values say nothing about
the deployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlguard.record import record, replace
from mlguard.value import Entries, Items, Node, Unknown

_MADE_UP = {
    "ami": ("ami-1234",),
    "availability-zones": ("dummy1a", "dummy1b", "dummy1c"),
    "endpoint-service-availability-zones": ("dummy1a", "dummy1b", "dummy1c"),
    "hosted-zone": ("DUMMY",),
    "key-provider": ("1234abcd-12ab-34cd-56ef-1234567890ab",),
    "load-balancer": (
        "Z3DZXE0EXAMPLE", "my-load-balancer-123456789012.us-west-2.elb.amazonaws.com", "sg-1234", "vpc-12345",
    ),
    "load-balancer-listener": ("sg-123456789012",),
    "security-group": ("sg-12345678", "sg-12345"),
    "vpc-provider": (
        "vpc-12345", "dummy1a", "dummy1b", "1.2.3.4/5", "s-12345", "s-67890", "p-12345", "p-67890",
        "rtb-12345s", "rtb-67890s", "rtb-12345p", "rtb-57890p", "rtb-67890p",
    ),
}  # fmt: skip
"""What aws-cdk-lib 2.276.0 makes up, by the context provider that would know better."""
_SSM = "dummy-value-for-"
_MOST = 1000
_LONGEST_NAME = 200


@record()
class Missing:
    """The made-up texts of an assembly, with what each stands for."""

    texts: Mapping[str, str]
    names: tuple[str, ...] = ()

    def without(self, node: Node) -> Node:
        """Give a template in which every made-up text is unknown."""
        return self._without(node) if self.texts else node

    def _without(self, node: Node) -> Node:
        content = node.content
        if isinstance(content, Entries):
            return replace(node, content=Entries({key: self._without(one) for key, one in content.nodes.items()}))
        if isinstance(content, Items):
            return replace(node, content=Items(tuple(self._without(one) for one in content.nodes)))
        return replace(node, content=self._unknown(content)) if isinstance(content, str) else node

    def _unknown(self, text: str) -> str | Unknown:
        if text in self.texts:
            return Unknown(_because(self.texts[text]))
        for made_up, name in self.texts.items():
            if made_up.startswith(_SSM) and made_up in text:
                return Unknown(_because(name), text.replace(made_up, "*"))
        return text


def _because(name: str) -> str:
    return f"the context value of {name} was missing when the app was synthesized"


def missing_of(manifest: Mapping[str, Any]) -> Missing:
    """Read what the manifest of an assembly lists as missing."""
    listed = manifest.get("missing")
    texts: dict[str, str] = {}
    names = []
    for entry in listed[:_MOST] if isinstance(listed, list) else []:
        provider = entry.get("provider") if isinstance(entry, dict) else None
        if not isinstance(provider, str):
            continue
        given = entry.get("props")
        props = given if isinstance(given, dict) else {}
        parameter = props.get("parameterName")
        name = f"{provider} {parameter}"[:_LONGEST_NAME] if isinstance(parameter, str) else provider[:_LONGEST_NAME]
        names.append(name)
        made_up = (f"{_SSM}{parameter}",) if isinstance(parameter, str) else _MADE_UP.get(provider, ())
        for text in made_up:
            texts.setdefault(text, name)
    return Missing(texts, tuple(dict.fromkeys(names)))
