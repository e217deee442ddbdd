"""Terraform's types, and the one type that several types can be converted to.

https://developer.hashicorp.com/terraform/language/expressions/type-constraints
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from mlguard.record import field, record

Primitive = Literal["string", "number", "bool", "any"]
"""`any` is the type of null, and of a value that is not known."""
CollectionKind = Literal["list", "set", "map"]


@record()
class Collection:
    """A list, a set or a map of elements of one type."""

    kind: CollectionKind
    element: Type


@record()
class Tuple:
    """A sequence with a type for each element."""

    elements: tuple[Type, ...]


@record()
class Object:
    """A structure with a type for each attribute; `optional` ones may be missing where a value is converted to it."""

    attributes: Mapping[str, Type]
    optional: frozenset[str] = field(default=frozenset(), compare=False)


Type = Primitive | Collection | Tuple | Object
_COLLECTIONS: Mapping[str, CollectionKind] = {"list": "list", "set": "set", "map": "map"}


def listed(element: Type) -> Collection:
    """Give the type of a list."""
    return Collection("list", element)


def spelled(text: str) -> Type:
    """Read a type as Terraform writes it, without objects and tuples: `map(list(string))`."""
    kind, _, inner = text.partition("(")
    if kind in _COLLECTIONS:
        return Collection(_COLLECTIONS[kind], spelled(inner.removesuffix(")")))
    if kind in ("string", "number", "bool", "any"):
        return kind  # type: ignore[return-value]
    raise ValueError(text)


def is_open(found: Type) -> bool:
    """Tell whether `any` is part of a type."""
    if isinstance(found, Collection):
        return is_open(found.element)
    if isinstance(found, Tuple):
        return any(is_open(element) for element in found.elements)
    if isinstance(found, Object):
        return any(is_open(attribute) for attribute in found.attributes.values())
    return found == "any"


def convertible(source: Type, target: Type) -> bool:
    """Tell whether some values of a type can be converted to another."""
    if source == target or "any" in (source, target):
        return True
    if isinstance(source, str) or isinstance(target, str):
        return "string" in (source, target) and isinstance(source, str) and isinstance(target, str)
    if isinstance(target, Object):
        return _to_object(source, target)
    if isinstance(target, Tuple):
        return (
            isinstance(source, Tuple)
            and len(source.elements) == len(target.elements)
            and all(map(convertible, source.elements, target.elements))
        )
    parts = _parts(source, target.kind)
    if parts is None:
        return False
    if is_open(target.element) and unified(parts) is None:
        return False
    return all(convertible(part, target.element) for part in parts)


def _to_object(source: Type, target: Object) -> bool:
    if isinstance(source, Collection):
        return source.kind == "map" and all(
            convertible(source.element, wanted) for wanted in target.attributes.values()
        )
    return isinstance(source, Object) and all(
        convertible(source.attributes[name], wanted) if name in source.attributes else name in target.optional
        for name, wanted in target.attributes.items()
    )


def _parts(source: Type, kind: CollectionKind) -> Sequence[Type] | None:
    """Give the types of what a collection of a kind would be made of; None where it cannot be."""
    if isinstance(source, Collection):
        return [source.element] if (source.kind == "map") == (kind == "map") else None
    if isinstance(source, Tuple):
        return source.elements if kind != "map" else None
    return list(source.attributes.values()) if isinstance(source, Object) and kind == "map" else None


def unified(types: Sequence[Type]) -> Type | None:
    """Give the type that values of all these types can be converted to; None where there is none."""
    known = [found for found in types if found != "any"]
    if not known:
        return "any"
    if all(found == known[0] for found in known):
        return known[0]
    if all(isinstance(found, str) for found in known):
        return "string" if "string" in known else None
    if all(isinstance(found, Object) for found in known):
        return _unified_objects([found for found in known if isinstance(found, Object)])
    if all(isinstance(found, Tuple) for found in known):
        return _unified_tuples([found for found in known if isinstance(found, Tuple)])
    return _unified_collections(known)


def _unified_objects(objects: Sequence[Object]) -> Type | None:
    names = objects[0].attributes.keys()
    if any(found.attributes.keys() != names for found in objects):
        return _collected("map", [part for found in objects for part in found.attributes.values()])
    attributes: dict[str, Type] = {}
    for name in names:
        one = unified([found.attributes[name] for found in objects])
        if one is None:
            return None
        attributes[name] = one
    return Object(attributes)


def _unified_tuples(tuples: Sequence[Tuple]) -> Type | None:
    if any(len(found.elements) != len(tuples[0].elements) for found in tuples):
        return _collected("list", [part for found in tuples for part in found.elements])
    elements: list[Type] = []
    for across in zip(*(found.elements for found in tuples), strict=True):
        one = unified(across)
        if one is None:
            return None
        elements.append(one)
    return Tuple(tuple(elements))


def _collected(kind: CollectionKind, parts: Sequence[Type]) -> Type | None:
    element = unified(parts)
    return None if element is None else Collection(kind, element)


def _unified_collections(types: Sequence[Type]) -> Type | None:
    """Find one kind of collection for types of which at least one is a collection."""
    kinds = {found.kind for found in types if isinstance(found, Collection)}
    kind: CollectionKind = "map" if "map" in kinds else "list" if "list" in kinds else "set"
    if kind == "set" and any(isinstance(found, Tuple) for found in types):
        sets = [found for found in types if isinstance(found, Collection)]
        return next((one for one in sets if all(convertible(found, one) for found in types)), None)
    parts: list[Type] = []
    for found in types:
        inner = None if isinstance(found, str) else _parts(found, kind)
        if inner is None:
            return None
        parts.extend(inner)
    return _collected(kind, parts)
