"""Join resources: a reference that goes out, a companion that points here. Both are three-valued."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from mlguard.resource import Gap, RawResource
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown, settle, text_of
from mlguard.vocabulary.model import Companion, Follow
from mlguard.vocabulary.paths import walk

_MAX_DEPTH = 20


def names_resource(value: Node, target: RawResource, name: Node | None) -> bool | None:
    """Tell whether a value names the target: by reference, or by a text equal to its name; None when it may."""
    content = value.content
    own = name.content if name is not None else None
    if isinstance(content, Reference):
        return _reference_names(content, target, own)
    if isinstance(content, Unknown):
        return _may_name(content, target, own)
    written = text_of(content)
    if written is None:
        return False
    if isinstance(own, Unknown):
        return None if fnmatchcase(written, own.pattern) else False
    return written == text_of(own)


def _reference_names(reference: Reference, target: RawResource, own: Content) -> bool | None:
    """Tell whether a reference leads to the target, or to what the target is named by: `random_pet.bucket.id`."""
    if own == reference:
        return True
    same = _same_address(reference.address, target.address)
    return None if same is False and _made_of(own, (reference,)) else same


def _made_of(content: Content, references: Iterable[Reference]) -> bool:
    """Tell whether an unknown text is made of one of these resources."""
    known = (content,) if isinstance(content, Reference) else content.references if isinstance(content, Unknown) else ()
    addresses = {one.address for one in known}
    return any(one.address in addresses for one in references)


def _same_address(named: str, address: str) -> bool | None:
    if named == address:
        return True
    if without_keys(named) == without_keys(address) and ("[?]" in named + address or "[" not in named):
        return None if "[" in address else True
    return False


def _may_name(unknown: Unknown, target: RawResource, own: Content) -> bool | None:
    if unknown.references and unknown.pattern in {"*", ""}:
        verdicts = [_same_address(reference.address, target.address) for reference in unknown.references]
        if all(verdict is False for verdict in verdicts) and not _made_of(own, unknown.references):
            return False
    written = text_of(own)
    if written is not None:
        return None if fnmatchcase(written, unknown.pattern) else False
    return False if isinstance(own, Unknown) and _patterns_apart(unknown.pattern, own.pattern) else None


def _patterns_apart(one: str, other: str) -> bool:
    """Tell whether two partly known texts differ for sure: in how they begin, or in how they end."""
    begins = [pattern.split("*", 1)[0] for pattern in (one, other)]
    ends = [pattern.rsplit("*", 1)[-1] for pattern in (one, other)]
    same_begin = begins[0].startswith(begins[1]) or begins[1].startswith(begins[0])
    same_end = ends[0].endswith(ends[1]) or ends[1].endswith(ends[0])
    return not (same_begin and same_end)


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
            perhaps = Unknown(f"{mate.address} may belong to it ({_doubt(value, exists)})")
    return joined, perhaps


def _doubt(value: Node, exists: object) -> str:
    """Say why it is open whether a companion belongs to a resource."""
    if isinstance(value.content, Unknown):
        return value.content.because
    return exists.because if isinstance(exists, Unknown) else "which instance it names is known at deployment"


def hidden_companion(
    companion: Companion, target: RawResource, name: Node | None, gaps: Iterable[Gap], scenario: Scenario
) -> Unknown | None:
    """Give the gap that may hide a companion: one that can create it and is told of the target."""
    own = name.content if name is not None else None
    for gap in gaps:
        if gap.arguments is None or not gap.may_create(companion.types):
            continue
        words = [word for word in companion.by.lower().split("_") if word not in {"name", "arn", "id"}]
        if any(_told(key, content, words, target, own) for key, content in _leaves(gap.arguments, scenario)):
            return Unknown(gap.what)
    return None


def _told(key: str, content: Content, words: Sequence[str], target: RawResource, own: Content) -> bool:
    """Tell whether an argument speaks of the target; one that is not known at all does when its name says so."""
    references: tuple[Reference, ...] = (content,) if isinstance(content, Reference) else ()
    if isinstance(content, Unknown):
        references = content.references
        written = text_of(own)
        if not references and any(word in key for word in words):
            return True
        if written is not None and content.pattern.strip("*") and fnmatchcase(written, content.pattern):
            return True
    elif content == own and isinstance(content, str):
        return True
    if _made_of(own, references) and any(word in key for word in words):
        return True
    return any(_same_address(one.address, target.address) is not False for one in references)


def _leaves(node: Node, scenario: Scenario, key: str = "", depth: int = 0) -> Iterator[tuple[str, Content]]:
    """Give the plain and the unknown values of a value, each with the keys that lead to it."""
    content = settle(node, scenario).content
    if not isinstance(content, Entries | Items):
        yield key, content
    elif depth < _MAX_DEPTH:
        if content.rest is not None:
            yield key, content.rest
        below = content.nodes.items() if isinstance(content, Entries) else (("", one) for one in content.nodes)
        for name, one in below:
            yield from _leaves(one, scenario, f"{key} {name.lower()}", depth + 1)


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
    if value is None or isinstance(value.content, Unknown):
        return value
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
    return Node(Unknown(f'"{written}" is not a resource of this project'), value.span, value.key_span)
