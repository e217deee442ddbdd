"""Join resources: a reference that goes out, a companion that points here. Both are three-valued."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from mlguard.patterns import lazy_pattern
from mlguard.record import record
from mlguard.resource import RawResource
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Reference, Unknown, text_of
from mlguard.vocabulary.model import Companion, Follow
from mlguard.vocabulary.paths import walk

_NAMED = lazy_pattern(r'parameter "|AWS::\w+:|var\.[\w-]+ has no value')
"""How a reason begins that says whose value is open, so that the same reason is the same value."""


def names_resource(value: Node, target: RawResource, name: Node | None) -> bool | None:
    """Tell whether a value names the target: by reference, or by a text equal to its name; None when it may."""
    content = value.content
    own = name.content if name is not None else None
    if isinstance(content, Reference):
        return _reference_names(content, target, own)
    if isinstance(content, Unknown):
        return True if _same_text(content, name) else _may_name(content, target, own)
    written = text_of(content)
    if written is None:
        return False
    if isinstance(own, Unknown):
        return None if fnmatchcase(written, own.pattern) else False
    return written == text_of(own)


def _same_text(unknown: Unknown, name: Node | None) -> bool:
    """Tell whether two texts are the same whatever their one open part is: `${AWS::StackName}-stop` in both places."""
    own = name.content if name is not None else None
    named = unknown.references or _NAMED.match(unknown.because)
    return own == unknown and bool(named) and unknown.pattern.count("*") == 1


def _reference_names(reference: Reference, target: RawResource, own: Content) -> bool | None:
    """Tell whether a reference leads to the target, or to what the target is named by: `random_pet.bucket.id`."""
    if own == reference:
        return True
    same = same_address(reference.address, target.address)
    return None if same is False and _made_of(own, (reference,)) else same


def _made_of(content: Content, references: Iterable[Reference]) -> bool:
    """Tell whether an unknown text is made of one of these resources."""
    known = (content,) if isinstance(content, Reference) else content.references if isinstance(content, Unknown) else ()
    addresses = {one.address for one in known}
    return any(one.address in addresses for one in references)


def same_address(named: str, address: str) -> bool | None:
    """Tell whether an address that is named is the given one; None when which instance is meant is open."""
    if named == address:
        return True
    if without_keys(named) == without_keys(address) and ("[?]" in named + address or "[" not in named):
        return None if "[" in address else True
    return False


def _may_name(unknown: Unknown, target: RawResource, own: Content) -> bool | None:
    if unknown.references and unknown.pattern in {"*", ""}:
        verdicts = [same_address(reference.address, target.address) for reference in unknown.references]
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


@record()
class Directory:
    """The resources of some types by what they point at, in one scenario.

    `by_address` and `by_text` hold those that name an address or a text, `by_block` those that name an address without
    its keys, `vague` those of them that name no certain instance; `open` holds all others.
    """

    by_address: dict[str, list[Pointer]]
    by_block: dict[str, list[Pointer]]
    vague: dict[str, list[Pointer]]
    by_text: dict[str, list[Pointer]]
    open: list[Pointer]

    def add(self, pointer: Pointer) -> None:
        """Enter a resource by what it points at."""
        content = pointer.value.content
        written = text_of(content)
        if isinstance(content, Reference):
            block = without_keys(content.address)
            self.by_address.setdefault(content.address, []).append(pointer)
            self.by_block.setdefault(block, []).append(pointer)
            if block == content.address or "[?]" in content.address:
                self.vague.setdefault(block, []).append(pointer)
        elif written is not None:
            self.by_text.setdefault(written, []).append(pointer)
        else:
            self.open.append(pointer)

    def towards(self, target: RawResource, own: Content) -> Iterable[Pointer]:
        """Give all that may point at the target, which is named by its address or by a text of its own."""
        references = (own,) if isinstance(own, Reference) else own.references if isinstance(own, Unknown) else ()
        blocks = dict.fromkeys(without_keys(one.address) for one in references)
        found = [*self.by_address.get(target.address, ())]
        if "[?]" in target.address:
            blocks[without_keys(target.address)] = None
        else:
            found.extend(self.vague.get(without_keys(target.address), ()))
        found.extend(pointer for block in blocks for pointer in self.by_block.get(block, ()))
        if isinstance(own, Unknown):
            found.extend(pointer for listed in self.by_text.values() for pointer in listed)
        else:
            found.extend(self.by_text.get(text_of(own) or "", ()))
        unique = {pointer.position: pointer for pointer in (*found, *self.open)}
        return [unique[position] for position in sorted(unique)]


@record()
class Pointer:
    """A resource that points at something, whether it is there, and its place among all."""

    position: int
    resource: RawResource
    value: Node
    exists: bool | Unknown


def directory(companion: Companion, mates: Sequence[RawResource], scenario: Scenario) -> Directory:
    """Find out once, for all targets, what each possible companion points at."""
    found = Directory({}, {}, {}, {}, [])
    for position, mate in enumerate(mates):
        exists = mate.exists(scenario)
        value = walk(mate.body, companion.by, scenario, cloud_control=mate.type.startswith("awscc_"))
        if exists is False or value is None:
            continue
        pointer = Pointer(position, mate, value, exists)
        found.add(pointer)
    return found


def companions(target: RawResource, name: Node | None, among: Directory) -> tuple[list[RawResource], Unknown | None]:
    """Give the resources that point at the target, and why there may be more."""
    joined: list[RawResource] = []
    perhaps: Unknown | None = None
    for pointer in among.towards(target, name.content if name is not None else None):
        verdict = names_resource(pointer.value, target, name)
        if verdict is True and (pointer.exists is True or _together(pointer.resource, target)):
            joined.append(pointer.resource)
        elif verdict is not False:
            doubt = _doubt(pointer.value, pointer.exists)
            perhaps = Unknown(f"{pointer.resource.address} may belong to it ({doubt})")
    return joined, perhaps


def _together(companion: RawResource, target: RawResource) -> bool:
    """Tell whether the companion is there whenever the target is, although nobody knows when that is."""
    return companion.exists == target.exists


def _doubt(value: Node, exists: object) -> str:
    """Say why it is open whether a companion belongs to a resource."""
    if isinstance(value.content, Unknown):
        return value.content.because
    return exists.because if isinstance(exists, Unknown) else "which instance it names is known at deployment"


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
