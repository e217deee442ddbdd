"""Tell a CloudFormation template by its content, cheaply: most YAML and JSON files are something else."""

from __future__ import annotations

from mlguard.parse.cloudformation.loops import LOOP
from mlguard.patterns import lazy_pattern
from mlguard.value import Entries, Node

_VERSION = b"AWSTemplateFormatVersion"
_RESOURCES = lazy_pattern(rb"""Resources["']?[ \t]*:""")  # both begin with a word, which is looked for fast
_TYPE = lazy_pattern(rb"""Type["']?[ \t]*:[ \t\r\n]*["']?[A-Za-z0-9]+::[A-Za-z0-9]""")
_BEFORE_KEY = b"{,\n\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")


def looks_like_template(content: bytes) -> bool:
    """Tell whether a file's bytes may be a template; the parsed document has the last word."""
    if content[:2] in _WIDE:
        return looks_like_template(content.replace(b"\0", b"").lstrip(b"\xff\xfe"))
    if _VERSION in content:
        return True
    has_resources = any(_begins_key(content, match.start()) for match in _RESOURCES.finditer(content))
    return has_resources and _TYPE.search(content) is not None


def _begins_key(content: bytes, at: int) -> bool:
    """Tell whether a word stands where a key does: behind blanks, a quote before it or not."""
    if content[at - 1 : at] in (b'"', b"'"):
        at -= 1
    while content[at - 1 : at] in (b" ", b"\t"):
        at -= 1
    return at == 0 or content[at - 1] in _BEFORE_KEY


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
