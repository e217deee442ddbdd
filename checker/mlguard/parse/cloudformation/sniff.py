"""Tell a CloudFormation template by its content, cheaply: most YAML and JSON files are something else."""

from __future__ import annotations

import re

from mlguard.parse.cloudformation.loops import LOOP
from mlguard.value import Entries, Node

_VERSION = b"AWSTemplateFormatVersion"
_RESOURCES = re.compile(rb"""(?:^|[{,\n\xbf])[ \t]*["']?Resources["']?[ \t]*:""")
_TYPE = re.compile(rb"""["']?Type["']?[ \t]*:[ \t\r\n]*["']?[A-Za-z0-9]+::[A-Za-z0-9]+""")
_WIDE = (b"\xff\xfe", b"\xfe\xff")


def looks_like_template(content: bytes) -> bool:
    """Tell whether a file's bytes may be a template; the parsed document has the last word."""
    if content[:2] in _WIDE:
        return looks_like_template(content.replace(b"\0", b"").lstrip(b"\xff\xfe"))
    if _VERSION in content:
        return True
    return b"::" in content and _RESOURCES.search(content) is not None and _TYPE.search(content) is not None


def may_nest(content: bytes) -> bool:
    """Tell whether a template's bytes may name another one that is deployed with it."""
    content = content.replace(b"\0", b"")
    return b"CloudFormation::Stack" in content or b"Serverless::Application" in content


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
