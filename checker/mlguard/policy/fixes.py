"""Read the fixes of a policy: what may be written into the code that it finds fault with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast, get_args

from mlguard.errors import PolicyError
from mlguard.parse.markup import plain
from mlguard.policy.clauses import ClauseReader
from mlguard.policy.model import Fix, Recipe, Where
from mlguard.policy.parameters import Parameters
from mlguard.value import Entries, Items, Node

_KEYS = ("safety", "what", "property", "when", "replace")
_RECIPE = ("where", "set", "add", "type", "name", "by", "reference", "if_present")
_VALUES = {
    "param": ("param", "for", "within", "expand"),
    "property": ("property", "times"),
    "json": ("json",),
    "expression": ("expression",),
    "beside": ("beside", "then"),
}
"""The mappings that stand for a value, by the key that tells them, with all keys that they may have."""


def read_fixes(node: Node, clauses: ClauseReader, parameters: Parameters) -> tuple[Fix, ...]:
    """Read the value of `fix`; PolicyError with its place where it is wrong."""
    return tuple(_fix(item, clauses, parameters) for item in _listed(node))


def value_form(value: object) -> str:
    """Tell which form a value that is to be written has: a key of the forms, or an empty text for a plain one."""
    if not isinstance(value, Mapping):
        return ""
    return next((form for form in _VALUES if form in value and set(value) <= set(_VALUES[form])), "")


def _fix(node: Node, clauses: ClauseReader, parameters: Parameters) -> Fix:
    fields = _entries(node, "a fix")
    recipes = {}
    for key, value in fields.items():
        if key not in _KEYS:
            if key not in ("cloudformation", "terraform") and not key.startswith(("AWS::", "aws_", "awscc_")):
                raise _refused(f'a fix has no "{key}"; it has {", ".join(_KEYS)}, a format or a resource type', value)
            recipes[key] = tuple(_recipe(item, parameters) for item in _listed(value))
    safety = fields["safety"].content if "safety" in fields else None
    what = fields["what"].content if "what" in fields else None
    if safety not in ("safe", "unsafe") or not isinstance(what, str):
        raise _refused('a fix needs "safety", safe or unsafe, and "what", a sentence', node)
    if "replace" not in fields and not recipes:
        raise _refused('a fix needs "replace", a format or a resource type', node)
    return Fix(
        safe=safety == "safe",
        what=what.strip(),
        properties=tuple(str(item.content) for item in _listed(fields["property"])) if "property" in fields else (),
        when=clauses.read_of_items(fields["when"]) if "when" in fields else None,
        replace=_value(fields["replace"], parameters) if "replace" in fields else None,
        recipes=recipes,
    )


def _recipe(node: Node, parameters: Parameters) -> Recipe:
    fields = _entries(node, "a recipe")
    for key, value in fields.items():
        if key not in _RECIPE:
            raise _refused(f'a recipe has no "{key}"; it has {", ".join(_RECIPE)}', value)
    texts = {key: str(fields[key].content) for key in _RECIPE if key in fields and key not in ("set", "add")}
    where = texts.pop("where", "resource")
    if where not in get_args(Where):
        raise _refused(f'"where" is one of {", ".join(get_args(Where))}', fields["where"])
    return Recipe(
        where=cast("Where", where),
        set=_changes(fields, "set", parameters),
        add=_changes(fields, "add", parameters),
        type=texts.get("type", ""),
        name=texts.get("name", ""),
        by=texts.get("by", ""),
        reference=texts.get("reference", ""),
        if_present=texts.get("if_present", ""),
    )


def _changes(fields: Mapping[str, Node], key: str, parameters: Parameters) -> dict[str, object]:
    changes = _entries(fields[key], key) if key in fields else {}
    return {path: _value(value, parameters) for path, value in changes.items()}


def _value(node: Node, parameters: Parameters) -> object:
    """Give what is to be written, forms unresolved; every parameter in it must be there."""
    for name in _parameters_in(node):
        if name.content not in parameters.declarations:
            raise _refused(f'there is no parameter "{name.content}"', name)
    return plain(node)


def _parameters_in(node: Node) -> Iterable[Node]:
    content = node.content
    if isinstance(content, Entries):
        if "param" in content.nodes:
            yield content.nodes["param"]
        for below in content.nodes.values():
            yield from _parameters_in(below)
    elif isinstance(content, Items):
        for below in content.nodes:
            yield from _parameters_in(below)


def _listed(node: Node) -> tuple[Node, ...]:
    return node.content.nodes if isinstance(node.content, Items) else (node,)


def _entries(node: Node, what: str) -> Mapping[str, Node]:
    if not isinstance(node.content, Entries):
        raise _refused(f'"{what}" must be a mapping', node)
    return node.content.nodes


def _refused(message: str, node: Node) -> PolicyError:
    at = node.place
    return PolicyError(message, at.path, at.line, at.column)
