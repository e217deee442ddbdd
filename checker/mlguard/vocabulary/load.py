"""Read the vocabulary files; what is wrong in one is refused with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from mlguard.bundled import policies_folder
from mlguard.compiled import compiled
from mlguard.errors import VocabularyError
from mlguard.parse.yaml_document import load_yaml
from mlguard.patterns import lazy_pattern
from mlguard.source import Document
from mlguard.value import Entries, Items, Node, Scalar
from mlguard.vocabulary.model import Companion, Field, Follow, Kind, Property, Reading, Vocabulary

COMPILED = (Vocabulary, Kind, Property, Reading, Field, Companion, Follow)
"""The classes of a vocabulary, in the order by which its compiled form numbers them."""
_RAW_TYPE = lazy_pattern(r"AWS::\w+::\w+\Z|aws_\w+\Z|embedded:[a-z0-9_.]+\Z")


@cache
def bundled_vocabulary() -> Vocabulary:
    """Give the vocabulary that ships with mlguard."""
    ready: Vocabulary | None = compiled("vocabulary", COMPILED)
    return ready or load_vocabulary(policies_folder() / "vocabulary")


def load_vocabulary(folder: Path) -> Vocabulary:
    """Read every file of a vocabulary folder; VocabularyError with file and line where one is wrong."""
    kinds: dict[str, Kind] = {}
    shapes: dict[str, Mapping[str, Property]] = {}
    common: dict[str, Property] = {}
    modules: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.glob("*.yaml")):
        document = Document(path.name, path.read_text(encoding="utf-8"))
        for node in load_yaml(document):
            top = _entries(node, "kinds, shapes, common or modules")
            for name, entry in _below(top, "kinds").items():
                kind = _kind(name, entry)
                kinds[name] = _joined(kinds[name], kind, entry) if name in kinds else kind
            for name, entry in _below(top, "shapes").items():
                shapes[name] = {key: _property(key, value) for key, value in _entries(entry, "properties").items()}
            common |= {key: _property(key, value) for key, value in _below(top, "common").items()}
            modules |= {key: tuple(_strings(value)) for key, value in _below(top, "modules").items()}
    return Vocabulary(kinds, shapes, common, modules)


def _kind(name: str, node: Node) -> Kind:
    fields = _entries(node, "a kind")
    _only(fields, "title", "types", "name", "properties", "carries", "machine_learning", "billing")
    names = {key: str(value.content) for key, value in _below(fields, "name").items()}
    properties = {key: _property(key, value) for key, value in _below(fields, "properties").items()}
    return Kind(
        name,
        _text(fields, "title"),
        tuple(_strings(fields["types"])) if "types" in fields else (),
        properties,
        names,
        _text(fields, "carries"),
        _text(fields, "machine_learning"),
        _billing(fields),
    )


def _joined(first: Kind, more: Kind, node: Node) -> Kind:
    """Add what another file says of a kind: a theme keeps its properties together, whatever kinds they are of."""
    for name, prop in more.properties.items():
        if first.properties.get(name, prop) != prop:
            raise _refused(f'"{name}" of {first.name} is said otherwise in another file', node)
    return Kind(
        first.name,
        first.title or more.title,
        tuple(dict.fromkeys((*first.types, *more.types))),
        {**first.properties, **more.properties},
        {**first.name_paths, **more.name_paths},
        first.carries or more.carries,
        first.machine_learning or more.machine_learning,
        first.billing or more.billing,
    )


def _billing(fields: Mapping[str, Node]) -> str:
    written = _text(fields, "billing")
    if written not in ("", "each", "one_of", "job"):
        raise _refused('"billing" is each, one_of or job', fields["billing"])
    return written


def _property(name: str, node: Node) -> Property:
    fields = dict(_entries(node, "a property"))
    what, shape, derived = _text(fields, "what"), _text(fields, "items"), _text(fields, "derived")
    spellings = {
        key: tuple(_readings(value)) for key, value in fields.items() if key not in {"what", "items", "derived"}
    }
    for key in spellings:
        if key not in {"cloudformation", "terraform"} and not _RAW_TYPE.match(key):
            raise _refused(f'"{key}" is neither a format nor a resource type', fields[key])
    return Property(name, what, spellings, shape, derived)


def _readings(node: Node) -> Iterator[Reading]:
    nodes = node.content.nodes if isinstance(node.content, Items) else (node,)
    for item in nodes:
        yield _reading(item)


def _reading(node: Node) -> Reading:
    if isinstance(node.content, str):
        return Reading(Field((node.content,)))
    fields = _entries(node, "a path or a mapping")
    _only(fields, "path", "each", "companion", "follow", "equals", "exists", "value")
    return Reading(_field(node), _companion(fields), _follow(fields))


def _field(node: Node) -> Field:
    if isinstance(node.content, str):
        return Field((node.content,))
    fields = _entries(node, "a path or a mapping")
    if "value" in fields:
        return Field(value=_scalar(fields["value"]))
    equals = tuple(_scalar(item) for item in _listed(fields["equals"])) if "equals" in fields else None
    if "exists" in fields:
        return Field(tuple(_strings(fields["exists"])), exists=True)
    each = {key: _field(value) for key, value in _below(fields, "each").items()} if "each" in fields else None
    return Field(tuple(_strings(fields["path"])) if "path" in fields else (), equals, each=each)


def _companion(fields: Mapping[str, Node]) -> Companion | None:
    if "companion" not in fields:
        return None
    own = _below(fields, "companion")
    return Companion(tuple(_strings(own["type"])), _text(own, "by"))


def _follow(fields: Mapping[str, Node]) -> Follow | None:
    if "follow" not in fields:
        return None
    own = _below(fields, "follow")
    types = {key: str(value.content) for key, value in _below(own, "to").items()}
    return Follow(tuple(_strings(own["path"])), types)


def _only(fields: Mapping[str, Node], *known: str) -> None:
    for key, node in fields.items():
        if key not in known:
            raise _refused(f'unknown key "{key}"; known are {", ".join(known)}', node)


def _entries(node: Node, what: str) -> Mapping[str, Node]:
    if not isinstance(node.content, Entries):
        raise _refused(f"expected {what}", node)
    return node.content.nodes


def _below(fields: Mapping[str, Node], key: str) -> Mapping[str, Node]:
    return _entries(fields[key], f'a mapping under "{key}"') if key in fields else {}


def _listed(node: Node) -> tuple[Node, ...]:
    return node.content.nodes if isinstance(node.content, Items) else (node,)


def _strings(node: Node) -> Iterator[str]:
    for item in _listed(node):
        if not isinstance(item.content, str):
            raise _refused("expected a text", item)
        yield item.content


def _text(fields: Mapping[str, Node], key: str) -> str:
    node = fields.get(key)
    if node is None:
        return ""
    if not isinstance(node.content, str):
        raise _refused(f'"{key}" must be a text', node)
    return node.content


def _scalar(node: Node) -> Scalar:
    if isinstance(node.content, str | int | float | bool) or node.content is None:
        return node.content
    raise _refused("expected a plain value", node)


def _refused(message: str, node: Node) -> VocabularyError:
    at = node.place
    return VocabularyError(message, at.path, at.line, at.column)
