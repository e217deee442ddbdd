"""Read the clauses of a policy: three combinators, nine tests, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from mlguard.errors import PolicyError, suggestion
from mlguard.patterns import compile_safely
from mlguard.policy.model import Check, Clause, Combined, Operand, ParameterOperand, Quantified, Relation
from mlguard.policy.parameters import Parameters
from mlguard.record import replace
from mlguard.value import Entries, Items, Node, Scalar
from mlguard.vocabulary.model import Property, Vocabulary

_RELATIONS = ("exists", "equals", "in", "matches", "at_least", "at_most")
_QUANTIFIERS = ("some", "every", "count")
_PROJECT = {"resources": "every resource of the project, each with its `kind`", "environment": "the environment"}


class ClauseReader:
    """Reads clauses over the properties of some kinds; PolicyError with the place where one is wrong."""

    def __init__(self, vocabulary: Vocabulary, parameters: Parameters, applies_to: Iterable[str]) -> None:
        self._vocabulary = vocabulary
        self._parameters = parameters
        self._kinds = tuple(applies_to)

    def native(self, kind: str) -> bool:
        """Tell whether a kind is one format's own resource type: `terraform:aws_foo`."""
        return kind.startswith(("terraform:", "cloudformation:"))

    def read(self, node: Node) -> Clause:
        """Read a clause over the properties of the policy's kinds."""
        return self._clause(node, self._properties())

    def read_of_items(self, node: Node) -> Clause:
        """Read a clause that may be about an item of a list as well, whatever its properties are called."""
        return self._clause(node, None)

    def _properties(self) -> Mapping[str, Property] | None:
        """Give the properties that may be named; None where any may."""
        if any(self.native(kind) for kind in self._kinds):
            return None
        if "project" in self._kinds:
            return {name: Property(name, what) for name, what in _PROJECT.items()}
        kinds = self._vocabulary.kinds
        chosen = kinds.values() if "*" in self._kinds else [kinds[kind] for kind in self._kinds if kind in kinds]
        found = dict(self._vocabulary.common)
        for kind in chosen:
            for name, prop in kind.properties.items():
                found[name] = _united(found[name], prop) if name in found else prop
        return found

    def _clause(self, node: Node, known: Mapping[str, Property] | None) -> Clause:
        if not isinstance(node.content, Entries) or not node.content.nodes:
            raise _refused("expected a mapping of properties, or all, any, not", node)
        entries = node.content.nodes
        combinators = [key for key in entries if key in ("all", "any", "not")]
        if combinators and len(entries) > 1:
            raise _refused(f'"{combinators[0]}" must stand alone', node)
        if combinators:
            return self._combined(combinators[0], entries[combinators[0]], known)
        parts = [part for key, value in entries.items() for part in self._property(key, value, known)]
        return parts[0] if len(parts) == 1 else Combined("all", tuple(parts))

    def _combined(self, how: str, node: Node, known: Mapping[str, Property] | None) -> Combined:
        if how == "not":
            return Combined("not", (self._clause(node, known),))
        if not isinstance(node.content, Items) or not node.content.nodes:
            raise _refused(f'"{how}" takes a list of clauses', node)
        parts = tuple(self._clause(item, known) for item in node.content.nodes)
        return Combined("all" if how == "all" else "any", parts)

    def _property(self, name: str, node: Node, known: Mapping[str, Property] | None) -> list[Clause]:
        if known is not None and name not in known:
            hint = suggestion(name, known) or f"; it has {', '.join(sorted(known))}"
            raise _refused(f'no property "{name}" of {", ".join(self._kinds)}{hint}', node)
        if not isinstance(node.content, Entries) or not node.content.nodes:
            raise _refused(f'"{name}" needs a test: {", ".join((*_RELATIONS, *_QUANTIFIERS))}', node)
        below = self._below(known[name]) if known is not None else None
        return [self._test(name, test, value, below) for test, value in node.content.nodes.items()]

    def _below(self, prop: Property) -> Mapping[str, Property] | None:
        """Give the properties of a list's items; None where any may be named."""
        found: dict[str, Property] = dict(self._vocabulary.shapes.get(prop.shape, {}))
        for readings in prop.spellings.values():
            for reading in readings:
                found |= {name: Property(name, "") for name in reading.each or ()}
        if prop.name == "resources" and "project" in self._kinds:
            found = {"kind": Property("kind", "")}
            for kind in self._vocabulary.kinds.values():
                found |= kind.properties
            found |= self._vocabulary.common
        return {**found, **self._vocabulary.common} if found else None

    def _test(self, name: str, test: str, node: Node, below: Mapping[str, Property] | None) -> Clause:
        if test == "count":
            if not isinstance(node.content, Entries):
                raise _refused("count takes tests of a number", node)
            tests = [self._test("count", key, value, None) for key, value in node.content.nodes.items()]
            return Quantified(name, "count", Combined("all", tuple(tests)))
        if test in ("some", "every"):
            return Quantified(name, "some" if test == "some" else "every", self._clause(node, below))
        if test not in _RELATIONS:
            raise _refused(f'there is no test "{test}"{suggestion(test, (*_RELATIONS, *_QUANTIFIERS))}', node)
        operand = self.operand(node)
        if test == "exists" and not isinstance(operand, bool):
            raise _refused("exists takes true or false", node)
        if test == "matches":
            _check_pattern(operand, node)
        return Check(name, cast("Relation", test), operand)

    def operand(self, node: Node) -> Operand:
        """Read a literal, a list of literals, or `{param: name, for: selector}`."""
        if isinstance(node.content, Entries):
            return self._parameter(node, node.content.nodes)
        if isinstance(node.content, Items):
            return tuple(_scalar(item) for item in node.content.nodes)
        return _scalar(node)

    def _parameter(self, node: Node, fields: Mapping[str, Node]) -> ParameterOperand:
        name = fields["param"].content if "param" in fields else None
        if not isinstance(name, str) or set(fields) - {"param", "for"}:
            raise _refused("a parameter is written {param: name, for: selector}", node)
        if name not in self._parameters.declarations:
            hint = suggestion(name, self._parameters.declarations)
            raise _refused(f'there is no parameter "{name}"{hint}', fields["param"])
        selectors: Any = fields["for"].content if "for" in fields else Items(())
        listed = selectors.nodes if isinstance(selectors, Items) else (fields["for"],)
        return ParameterOperand(name, tuple(str(item.content) for item in listed))


def _united(one: Property, other: Property) -> Property:
    """Give a property of two kinds: what may be named below it in either."""
    spellings = {key: (*readings, *other.spellings.get(key, ())) for key, readings in one.spellings.items()}
    return replace(one, spellings={**other.spellings, **spellings}, shape=one.shape or other.shape)


def _check_pattern(operand: Operand, node: Node) -> None:
    if not isinstance(operand, str):
        raise _refused("matches takes a regular expression", node)
    if compile_safely(operand) is None:
        raise _refused(
            "not a regular expression, or one that could take long: at most two open repeats, none inside another", node
        )


def _scalar(node: Node) -> Scalar:
    if isinstance(node.content, str | int | float | bool) or node.content is None:
        return node.content
    raise _refused("expected a plain value", node)


def _refused(message: str, node: Node) -> PolicyError:
    at = node.place
    return PolicyError(message, at.path, at.line, at.column)
