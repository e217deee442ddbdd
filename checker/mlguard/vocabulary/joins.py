"""Join resources: a reference that goes out, a companion that points here. Both are three-valued."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from mlguard.resource import RawResource
from mlguard.scenario import Scenario
from mlguard.value import Node, Reference, Unknown, text_of
from mlguard.vocabulary.model import Companion, Follow
from mlguard.vocabulary.paths import walk

_NAMED = re.compile(r'parameter "|AWS::\w+:|var\.[\w-]+ has no value')
"""How a reason begins that says whose value is open, so that the same reason is the same value."""


def names_resource(value: Node, target: RawResource, name: Node | None) -> bool | None:
    """Tell whether a value names the target: by reference, or by a literal equal to its name; None when it may."""
    content = value.content
    if isinstance(content, Reference):
        return _same_address(content.address, target.address)
    if isinstance(content, Unknown):
        return True if _same_text(content, name) else _may_name(content, target, name)
    written = text_of(content)
    own = text_of(name.content) if name is not None else None
    if written is None:
        return False
    if own is not None:
        return written == own
    if name is not None and isinstance(name.content, Unknown):
        return None if fnmatchcase(written, name.content.pattern) else False
    return False


def _same_text(unknown: Unknown, name: Node | None) -> bool:
    """Tell whether two texts are the same whatever their one open part is: `${AWS::StackName}-stop` in both places."""
    own = name.content if name is not None else None
    named = unknown.references or _NAMED.match(unknown.because)
    return own == unknown and bool(named) and unknown.pattern.count("*") == 1


def _same_address(named: str, address: str) -> bool | None:
    if named == address:
        return True
    if without_keys(named) == without_keys(address) and ("[?]" in named + address or "[" not in named):
        return None if "[" in address else True
    return False


def _may_name(unknown: Unknown, target: RawResource, name: Node | None) -> bool | None:
    if unknown.references and unknown.pattern in {"*", ""}:
        verdicts = [_same_address(reference.address, target.address) for reference in unknown.references]
        if all(verdict is False for verdict in verdicts):
            return False
    own = text_of(name.content) if name is not None else None
    if own is not None and not fnmatchcase(own, unknown.pattern):
        return False
    return None


def without_keys(address: str) -> str:
    """Give an address without the keys of its instances: `module.m["a"].aws_x.y[0]` is `module.m.aws_x.y`."""
    if "[" not in address:
        return address
    out: list[str] = []
    depth = 0
    quoted = False
    for letter in address:
        if letter == '"' and depth:
            quoted = not quoted
        if letter == "[" and not quoted:
            depth += 1
        elif letter == "]" and not quoted:
            depth -= 1
        elif not depth:
            out.append(letter)
    return "".join(out)


def companions(
    companion: Companion, target: RawResource, name: Node | None, mates: Sequence[RawResource], scenario: Scenario
) -> tuple[list[RawResource], Unknown | None]:
    """Give the resources that point at the target, and why there may be more."""
    joined: list[RawResource] = []
    perhaps: Unknown | None = None
    for mate in mates:
        exists = mate.exists(scenario)
        if exists is False:
            continue
        value = walk(mate.body, companion.by, scenario, cloud_control=mate.type.startswith("awscc_"))
        if value is None:
            continue
        verdict = names_resource(value, target, name)
        if verdict is True and exists is True:
            joined.append(mate)
        elif verdict is not False:
            because = value.content.because if isinstance(value.content, Unknown) else "its target is not known"
            perhaps = Unknown(f"{mate.address} may belong to it ({because})")
    return joined, perhaps


def followed(
    follow: Follow,
    source: RawResource,
    by_address: Mapping[str, RawResource],
    mates: Sequence[RawResource],
    scenario: Scenario,
) -> RawResource | Node | None:
    """Follow a reference: the resource it leads to, None where there is no reference, an Unknown node otherwise."""
    cloud_control = source.type.startswith("awscc_")
    values = (walk(source.body, path, scenario, cloud_control=cloud_control) for path in follow.paths)
    value = next((found for found in values if found is not None), None)
    if value is None:
        return None
    if isinstance(value.content, Reference):
        found = by_address.get(value.content.address)
        if found is not None and found.exists(scenario) is True:
            return found
        return Node(Unknown(f"{value.content.address} cannot be read here"), value.span, value.key_span)
    written = text_of(value.content)
    for mate in mates:
        name = walk(mate.body, follow.types.get(mate.type, "name"), scenario)
        if name is not None and written is not None and text_of(name.content) == written:
            return mate
        if isinstance(value.content, Unknown) and _same_text(value.content, name):
            return mate
    if isinstance(value.content, Unknown):
        return value
    return Node(Unknown(f'"{written}" is not a resource of this project'), value.span, value.key_span)
