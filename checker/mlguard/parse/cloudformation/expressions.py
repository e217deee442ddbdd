"""The shape of CloudFormation's function calls: a mapping of one key, `Ref` or `Fn::…`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mlguard.patterns import lazy_pattern
from mlguard.value import Content, Entries, Items, Node, Unknown, text_of

_MAX_SHOWN = 80
_ALONE = lazy_pattern(r"\$\{([A-Za-z0-9:]+)\}")
_DYNAMIC = lazy_pattern(r"\{\{resolve:([^{}]*)\}\}")


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


def name_in(node: Node) -> str:
    """Give the name when a node is nothing but a reference to it: `!Ref Name`, `!Sub "${Name}"`; else nothing."""
    call = intrinsic(node)
    if call is None or not isinstance(call[1].content, str):
        return ""
    if call[0] == "Ref":
        return call[1].content
    alone = _ALONE.fullmatch(call[1].content) if call[0] == "Fn::Sub" else None
    return alone[1] if alone is not None else ""


def resolved_at_deployment(text: str) -> Unknown | None:
    """Give what is known of a text with a dynamic reference, `{{resolve:ssm:name}}`; None where there is none."""
    found = _DYNAMIC.search(text) if "{{resolve:" in text else None
    if found is None:
        return None
    service = found[1].partition(":")[0]
    where = {"ssm": "SSM", "ssm-secure": "SSM", "secretsmanager": "Secrets Manager"}.get(service, service[:20])
    return Unknown(f"a part of it is read from {where} at deployment", _DYNAMIC.sub("*", text))


def fits(pattern: str, text: str) -> bool:
    """Tell whether a text may be the one that is known in parts, `*` standing for each unknown part."""
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    last = others.pop()
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for part in others:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def written(node: Node) -> str:
    """Write an expression as one line of YAML, cropped where it is long."""
    text = "".join(islice(_written(node, 0), 4 * _MAX_SHOWN))
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _written(node: Node, depth: int) -> Iterator[str]:
    call = intrinsic(node)
    content = node.content
    if depth > _MAX_SHOWN // 8:
        yield "…"
    elif call is not None:
        yield f"!{call[0].removeprefix('Fn::')} "
        yield from _written(call[1], depth + 1)
    elif isinstance(content, Entries):
        listed = list(content.nodes.items())[:_MAX_SHOWN]
        yield "{"
        for index, (key, value) in enumerate(listed):
            yield f"{', ' if index else ''}{key}: "
            yield from _written(value, depth + 1)
        yield "}"
    elif isinstance(content, Items):
        yield "["
        for index, value in enumerate(content.nodes[:_MAX_SHOWN]):
            yield ", " if index else ""
            yield from _written(value, depth + 1)
        yield "]"
    else:
        yield text_of(content) or "''"
