"""Three-valued evaluation of a clause, in one scenario. Every verdict carries the leaves that settled it.

Strong Kleene logic: FAIL < UNKNOWN < PASS; `all` is the least, `any` the greatest, `not` turns it round. Learning
more about an unknown value never changes a decided verdict.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from fnmatch import translate
from functools import lru_cache

from mlguard.patterns import MAX_SUBJECT
from mlguard.policy.model import Check, Clause, Combined, Literals, Operand, ParameterOperand, Quantified
from mlguard.record import field, record
from mlguard.scenario import Scenario
from mlguard.value import Entries, Items, Node, Reference, Unknown, child, items, settle, text_of

_SCALAR = (str, int, float, bool)
_WILD = frozenset("*?")


class Truth(IntEnum):
    """What is known of a claim; the order is that of strong Kleene logic."""

    FAIL = 0
    UNKNOWN = 1
    PASS = 2


@record()
class Leaf:
    """The test that settled a verdict: the properties that lead to it, what was wanted, and what was found.

    `scope` is the mapping that the last property belongs to: the resource, or an item of a list.
    """

    path: tuple[str, ...]
    relation: str
    wanted: Literals = None
    found: Node | None = None
    scope: Node | None = None

    @property
    def because(self) -> str:
        """Why the leaf is undecided, in words."""
        content = self.found.content if self.found is not None else None
        if isinstance(content, Unknown):
            return content.because
        if isinstance(content, Reference):
            return f"{content.address} decides it"
        if isinstance(content, Items) and content.rest is not None:
            return content.rest.because
        return "it is decided at deployment"


@record()
class Verdict:
    """The answer, and the leaves that settled it; several only where several items of a list fail."""

    truth: Truth
    leaves: tuple[Leaf, ...] = ()


class NotTheDefaultError(Exception):
    """What is judged by defaults has, in this scenario, another value than its default."""


@record()
class Context:
    """Where operands get their values: parameters by name and selectors, and the scope that selectors may name.

    With `by_default`, a scenario in which a value stands in for the default of its parameter is not judged.
    """

    parameter: Callable[[str, Mapping[str, str]], object]
    scenario: Scenario
    outer: Mapping[str, Node] = field(default_factory=dict)
    by_default: bool = False

    def look_at(self, node: Node | None) -> None:
        """Raise NotTheDefaultError where the scenario is not judged, because of this value."""
        if self.by_default and node is not None and any(origin.instead_of_default for origin in node.origins):
            raise NotTheDefaultError


def judge(clause: Clause, scope: Node, context: Context, path: tuple[str, ...] = ()) -> Verdict:
    """Judge a clause over a mapping: the properties of a resource, or an item of a list.

    Raises NotTheDefaultError in a scenario that is none of the context's.
    """
    if isinstance(clause, Check):
        return _check(clause, scope, context, path)
    if isinstance(clause, Combined):
        return _combined(clause, scope, context, path)
    return _quantified(clause, scope, context, path)


def _combined(clause: Combined, scope: Node, context: Context, path: tuple[str, ...]) -> Verdict:
    if clause.how == "not":
        inner = judge(clause.parts[0], scope, context, path)
        return Verdict(Truth(2 - inner.truth), inner.leaves)
    verdicts = []
    decisive = Truth.FAIL if clause.how == "all" else Truth.PASS
    for part in clause.parts:
        verdict = judge(part, scope, context, path)
        if verdict.truth is decisive:
            return verdict
        verdicts.append(verdict)
    return _weakest(verdicts) if clause.how == "all" else _strongest(verdicts)


def _weakest(verdicts: Iterable[Verdict]) -> Verdict:
    return min(verdicts, key=lambda verdict: verdict.truth, default=Verdict(Truth.PASS))


def _strongest(verdicts: Iterable[Verdict]) -> Verdict:
    return max(verdicts, key=lambda verdict: verdict.truth, default=Verdict(Truth.FAIL))


def _quantified(clause: Quantified, scope: Node, context: Context, path: tuple[str, ...]) -> Verdict:
    here = (*path, clause.path)
    node = child(scope, clause.path, context.scenario)
    context.look_at(node)
    listed = items(node, context.scenario)
    if clause.quantifier == "count":
        return _count(clause, listed, node, scope, context, here)
    if isinstance(listed, Unknown):
        return Verdict(Truth.UNKNOWN, (Leaf(here, clause.quantifier, found=node, scope=scope),))
    if node is None:
        return Verdict(Truth.FAIL, (Leaf(here, clause.quantifier, scope=scope),))  # absence is not conformity
    return _each(clause, listed, node, scope, context, here)


def _each(
    clause: Quantified, listed: Items, node: Node, scope: Node, context: Context, here: tuple[str, ...]
) -> Verdict:
    verdicts = [judge(clause.clause, _scope(item, context.scenario), context, here) for item in listed.nodes]
    if listed.rest is not None:
        rest = Node(listed.rest, node.span, node.key_span)
        verdicts.append(Verdict(Truth.UNKNOWN, (Leaf(here, clause.quantifier, found=rest, scope=scope),)))
    if clause.quantifier == "some":
        best = _strongest(verdicts)
        if best.truth is Truth.FAIL:
            return Verdict(Truth.FAIL, (Leaf(here, "some", found=node, scope=scope),))
        return best
    worst = _weakest(verdicts)
    if worst.truth is Truth.FAIL:
        failing = [verdict for verdict in verdicts if verdict.truth is Truth.FAIL]
        return Verdict(Truth.FAIL, tuple(leaf for verdict in failing for leaf in verdict.leaves))
    return worst


def _scope(item: Node, scenario: Scenario) -> Node:
    """Give an item as a mapping; the plain value of a list of scalars is called `value`."""
    settled = settle(item, scenario)
    if isinstance(settled.content, (Entries, Unknown)):
        return settled
    return Node(Entries({"value": settled}), settled.span, settled.key_span, settled.origins)


def _count(
    clause: Quantified, listed: Items | Unknown, node: Node | None, scope: Node, context: Context, here: tuple[str, ...]
) -> Verdict:
    at = node or scope
    if isinstance(listed, Items) and listed.rest is None:
        number: Node = Node(len(listed.nodes), at.span, at.key_span)
    else:
        rest = listed.rest if isinstance(listed, Items) and listed.rest else listed
        number = Node(rest if isinstance(rest, Unknown) else Unknown("the list is not known"), at.span, at.key_span)
    counted = Node(Entries({"count": number}), at.span, at.key_span)
    verdict = judge(clause.clause, counted, context, here[:-1])
    return Verdict(verdict.truth, tuple(Leaf(here, "count", leaf.wanted, leaf.found, scope) for leaf in verdict.leaves))


def _check(check: Check, scope: Node, context: Context, path: tuple[str, ...]) -> Verdict:
    here = (*path, check.path)
    found = _found(scope, check.path, context)
    context.look_at(found)
    if check.relation == "exists":
        return _exists(check, scope, found, here)
    if found is None:
        return Verdict(Truth.FAIL, (Leaf(here, check.relation, None, None, scope),))
    if isinstance(found.content, (Unknown, Reference)):
        return Verdict(Truth.UNKNOWN, (Leaf(here, check.relation, None, found, scope),))
    wanted = resolve(check.operand, scope, context)
    if isinstance(wanted, Unknown):
        undecided = Node(wanted, found.span, found.key_span)
        return Verdict(Truth.UNKNOWN, (Leaf(here, check.relation, None, undecided, scope),))
    holds = _RELATIONS[check.relation](found.content, wanted)
    leaf = Leaf(here, check.relation, wanted, found, scope)
    if holds is None:
        odd = Node(Unknown("its value has another type than expected"), found.span, found.key_span)
        return Verdict(Truth.UNKNOWN, (Leaf(here, check.relation, wanted, odd, scope),))
    return Verdict(Truth.PASS if holds else Truth.FAIL, (leaf,))


def _found(scope: Node, name: str, context: Context) -> Node | None:
    """Give a property of the scope; inside of a list's item, `environment` and its like are the resource's."""
    if isinstance(scope.content, Entries) and name not in scope.content.nodes and name in context.outer:
        outer = settle(context.outer[name], context.scenario)
        return None if outer.content is None else outer
    return child(scope, name, context.scenario)


def _exists(check: Check, scope: Node, found: Node | None, here: tuple[str, ...]) -> Verdict:
    leaf = Leaf(here, "exists", bool(check.operand), found, scope)
    if found is not None and isinstance(found.content, Unknown):
        return Verdict(Truth.UNKNOWN, (leaf,))
    if found is not None and isinstance(found.content, Items) and not found.content.nodes:
        if found.content.rest is not None:
            return Verdict(Truth.UNKNOWN, (leaf,))
        found = None
    return Verdict(Truth.PASS if (found is not None) == check.operand else Truth.FAIL, (leaf,))


def resolve(operand: Operand, scope: Node, context: Context) -> Literals | Unknown:
    """Give an operand's value; Unknown when a selector names a property that is not known."""
    if not isinstance(operand, ParameterOperand):
        return operand
    selectors: dict[str, str] = {}
    for name in operand.selectors:
        node = child(scope, name, context.scenario)
        if node is None and name in context.outer:
            node = settle(context.outer[name], context.scenario)
        text = text_of(node.content) if node is not None else None
        if text is None:
            return Unknown(f"{name} is not known")
        selectors[name] = text
    value = context.parameter(operand.name, selectors)
    if isinstance(value, (list, tuple)):
        return tuple([item for item in value if isinstance(item, _SCALAR)])
    return value if isinstance(value, _SCALAR) else None


def _equals(found: object, wanted: Literals) -> bool | None:
    written = _scalar_text(found)
    if written is None or isinstance(wanted, tuple):
        return None
    return written == text_of(wanted)


def _in(found: object, wanted: Literals) -> bool | None:
    """Tell whether a text is among those wanted, where `*` and `?` stand for any text, as in an SCP's StringLike."""
    written = _scalar_text(found)
    if written is None or not isinstance(wanted, tuple):
        return None
    return written in wanted or _like(tuple([text_of(one) or "" for one in wanted]), written)


def _like(patterns: tuple[str, ...], written: str) -> bool:
    plain, beginnings, others = _sorted_out(patterns)
    return written in plain or written.startswith(beginnings) or (others is not None and bool(others.match(written)))


@lru_cache(maxsize=4096)
def _sorted_out(patterns: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...], re.Pattern[str] | None]:
    """Give the patterns that are plain texts, what those of the form `ml.p5.*` begin with, one expression for the rest.

    Most lists need no expression, and to compile one takes longer than a judgement.
    """
    plain, beginnings, others = [], [], []
    for pattern in patterns:
        if not _WILD & set(pattern):
            plain.append(pattern)
        elif pattern.endswith("*") and not _WILD & set(pattern[:-1]):
            beginnings.append(pattern[:-1])
        else:
            others.append(translate(pattern.replace("[", "[[]")))
    return frozenset(plain), tuple(beginnings), re.compile("|".join(others)) if others else None


def _matches(found: object, wanted: Literals) -> bool | None:
    if not isinstance(found, str) or not isinstance(wanted, str) or len(found) > MAX_SUBJECT:
        return None
    return re.search(wanted, found) is not None


def _at_least(found: object, wanted: Literals) -> bool | None:
    pair = _numbers(found, wanted)
    return None if pair is None else pair[0] >= pair[1]


def _at_most(found: object, wanted: Literals) -> bool | None:
    pair = _numbers(found, wanted)
    return None if pair is None else pair[0] <= pair[1]


def _numbers(found: object, wanted: Literals) -> tuple[float, float] | None:
    try:
        return _number(found), _number(wanted)
    except (TypeError, ValueError, OverflowError):
        return None


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _scalar_text(found: object) -> str | None:
    return text_of(found) if isinstance(found, _SCALAR) else None


_RELATIONS: Mapping[str, Callable[[object, Literals], bool | None]] = {
    "equals": _equals,
    "in": _in,
    "matches": _matches,
    "at_least": _at_least,
    "at_most": _at_most,
}
