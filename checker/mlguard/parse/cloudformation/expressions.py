"""The shape of CloudFormation's function calls: a mapping of one key, `Ref` or `Fn::…`."""

from __future__ import annotations

from mlguard.value import Content, Entries, Items, Node, Unknown


def intrinsic(node: Node) -> tuple[str, Node] | None:
    """Give the function and its argument when a node is the call of an intrinsic function."""
    content = node.content
    if isinstance(content, Entries) and len(content.nodes) == 1:
        name, argument = next(iter(content.nodes.items()))
        if name == "Ref" or name.startswith("Fn::"):
            return name, argument
    return None


def arguments(node: Node) -> tuple[Node, ...]:
    """Give the arguments of a call: the items of a list, none where it is no list."""
    return node.content.nodes if isinstance(node.content, Items) else ()


def because(content: Content, otherwise: str) -> str:
    """Say why a value is not known."""
    return content.because if isinstance(content, Unknown) else otherwise
