"""The `Rules` of a template: assertions over its parameters that every deployment satisfies.

What a rule forbids no scenario explores; a rule that lists the values of a parameter closes the parameter's domain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlguard.parse.cloudformation.conditions import Mentioned, Operand, equal
from mlguard.parse.cloudformation.expressions import name_in
from mlguard.parse.cloudformation.parameters import Declared
from mlguard.record import record, replace
from mlguard.scenario import Decided, ImpossibleError, Scenario, TooManyScenariosError, explore
from mlguard.source import Span
from mlguard.value import Entries, Items, Node, settle, text_of

_MAX_SCENARIOS = 1024
_MAX_DEPTH = 50
_MAX_JUDGED = 100_000  # expressions; rules that take more forbid nothing
_OTHER = object()
Domain = dict[str, Node]


@record()
class _Rule:
    """One rule: what it asserts, and where (`None`: everywhere)."""

    condition: Node | None
    assertions: tuple[Node, ...]


class Rules:
    """The rules of one template, as far as they can be told."""

    def __init__(
        self, section: Node | None, prefix: str, parameters: Mapping[str, Declared], mentioned: Mentioned
    ) -> None:
        self.span: Span | None = (section.key_span or section.span) if section is not None else None
        self._rules = tuple(_read(section))
        self._prefix = prefix
        self._parameters = parameters
        self._mentioned = mentioned
        self._domains: dict[str, list[tuple[Node, Domain]]] = {}
        self._asking: set[str] = set()
        self._left = _MAX_JUDGED
        self._variables: tuple[str, ...] | None = None
        self._possible: dict[tuple[Decided | object, ...], bool] = {}
        for rule in self._rules:
            for assertion in rule.assertions if rule.condition is not None else ():
                for name, domain in _domains(assertion).items():
                    self._domains.setdefault(name, []).append((rule.condition, domain))  # type: ignore[arg-type]

    def domain(self, name: str, scenario: Scenario, operand: Operand) -> Domain | None:
        """Give the values that rules with a condition leave to an open parameter in a scenario, None for all values."""
        if name in self._asking or name not in self._domains:
            return None
        if self._variables is None and not self._asking:
            self.satisfiable(operand)
        if self._variables == ():
            return None
        self._asking.add(name)
        try:
            left: Domain | None = None
            for condition, domain in self._domains[name]:
                if self._judge(condition, scenario, operand) is True:
                    left = domain if left is None else {text: node for text, node in left.items() if text in domain}
            return left
        finally:
            self._asking.discard(name)

    def check(self, scenario: Scenario, operand: Operand) -> None:
        """Raise ImpossibleError where no deployment satisfies every rule under the decisions taken so far.

        To be called after every decision: what is remembered of a scenario has then been checked already.
        """
        if not self._rules or self._asking:
            return
        if self._variables is None:
            self.satisfiable(operand)
        taken = scenario.decisions
        decided = {name: taken[name] for name in self._variables or () if name in taken}
        if not decided:
            return
        key = tuple(decided.get(name, _OTHER) for name in self._variables or ())
        if key not in self._possible:
            self._possible[key] = self._is_possible(decided, operand, {})
        if not self._possible[key]:
            raise ImpossibleError

    def satisfiable(self, operand: Operand) -> bool:
        """Tell whether any deployment satisfies the rules; rules that none does are not looked at."""
        variables: dict[str, Decided] = {}
        possible = self._is_possible({}, operand, variables)
        self._variables = tuple(variables) if possible else ()
        return possible

    def _is_possible(self, decided: Mapping[str, Decided], operand: Operand, seen: dict[str, Decided]) -> bool:
        self._asking.add("")  # what is looked at meanwhile is not checked in turn
        possible = False
        try:
            for outcome in explore(lambda scenario: self._hold(scenario, operand), _MAX_SCENARIOS, decided):
                seen.update(outcome.decisions)
                possible = possible or outcome.result
                if possible and decided:
                    break
        except TooManyScenariosError:
            possible = True
        finally:
            self._asking.discard("")
        return possible

    def _hold(self, scenario: Scenario, operand: Operand) -> bool:
        for rule in self._rules:
            applies = rule.condition is None or self._judge(rule.condition, scenario, operand) is True
            if applies and any(self._judge(one, scenario, operand) is False for one in rule.assertions):
                return False
        return True

    def _judge(self, node: Node, scenario: Scenario, operand: Operand, depth: int = 0) -> bool | None:
        """Tell whether a rule's expression holds, None where nobody can tell."""
        content = node.content
        self._left -= 1
        if not isinstance(content, Entries) or len(content.nodes) != 1 or depth > _MAX_DEPTH or self._left < 0:
            return None
        function, argument = next(iter(content.nodes.items()))
        parts = argument.content.nodes if isinstance(argument.content, Items) else (argument,)
        if function in ("Fn::And", "Fn::Or", "Fn::Not"):
            told = [self._judge(part, scenario, operand, depth + 1) for part in parts]
            return _combined(function, told)
        if len(parts) != 2:  # noqa: PLR2004  (left, right)
            return None
        if function == "Fn::Equals":
            return equal(parts, scenario, operand, self._mentioned)
        if function not in ("Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"):
            return None
        left, right = (self._texts(part, scenario, operand) for part in parts)
        if function == "Fn::Contains":
            left, right = right, left  # the list comes first
        return _members(left, right)

    def _texts(self, node: Node, scenario: Scenario, operand: Operand) -> list[str | None]:
        """Give the items of a list, or a single value; None stands for what is not known."""
        content = node.content
        if isinstance(content, Entries) and "Fn::RefAll" in content.nodes:
            return self._all_of(text_of(content.nodes["Fn::RefAll"].content) or "", node, scenario, operand)
        found = operand(node, scenario).content
        if isinstance(found, Items):
            texts = [text_of(settle(item, scenario).content) for item in found.nodes]
            return [*texts, None] if found.rest is not None else texts
        return [text_of(found)]

    def _all_of(self, kind: str, node: Node, scenario: Scenario, operand: Operand) -> list[str | None]:
        """`Fn::RefAll`: the values of all parameters of a type."""
        texts: list[str | None] = []
        for name, declared in self._parameters.items():
            if declared.type == kind:
                reference = Node(Entries({"Ref": Node(name, node.span)}), node.span)
                texts.extend(self._texts(reference, scenario, operand))
        return texts


def closed_by_rules(section: Node | None, declared: Mapping[str, Declared]) -> dict[str, Declared]:
    """Give the parameters with the domains that rules without a condition close."""
    closed = dict(declared)
    for rule in _read(section):
        for assertion in rule.assertions if rule.condition is None else ():
            for name, domain in _domains(assertion).items():
                one = closed.get(name)
                left = {text: node for text, node in domain.items() if one and (not one.allowed or text in one.allowed)}
                if one is not None and left:
                    closed[name] = replace(one, allowed=left, parameter=replace(one.parameter, allowed=tuple(left)))
    return closed


def _read(section: Node | None) -> Iterator[_Rule]:
    if section is None or not isinstance(section.content, Entries):
        return
    for node in section.content.nodes.values():
        if isinstance(node.content, Entries):
            listed = node.content.nodes.get("Assertions")
            made = listed.content.nodes if listed is not None and isinstance(listed.content, Items) else ()
            asserted = (one.content.nodes.get("Assert") for one in made if isinstance(one.content, Entries))
            yield _Rule(node.content.nodes.get("RuleCondition"), tuple(one for one in asserted if one is not None))


def _combined(function: str, told: Sequence[bool | None]) -> bool | None:
    if function == "Fn::Not":
        return None if len(told) != 1 or told[0] is None else not told[0]
    decisive = function == "Fn::Or"
    if decisive in told:
        return decisive
    return None if None in told or not told else not decisive


def _members(values: Sequence[str | None], allowed: Sequence[str | None]) -> bool | None:
    """Tell whether each value is one of the allowed ones."""
    outside = [value for value in values if value is not None and value not in allowed]
    if outside and None not in allowed:
        return False
    return None if outside or None in values else True


def _domains(assertion: Node, depth: int = 0) -> dict[str, Domain]:
    """Give the closed domains of parameters that an assertion spells out."""
    content = assertion.content
    if not isinstance(content, Entries) or len(content.nodes) != 1 or depth > _MAX_DEPTH:
        return {}
    function, argument = next(iter(content.nodes.items()))
    parts = argument.content.nodes if isinstance(argument.content, Items) else ()
    if function in ("Fn::And", "Fn::Or") and parts:
        return _merged(function, [_domains(part, depth + 1) for part in parts])
    if len(parts) != 2:  # noqa: PLR2004  (left, right)
        return {}
    listed, single = (parts[0], parts[1]) if function == "Fn::Contains" else (parts[1], parts[0])
    if function == "Fn::Equals" and not name_in(single):
        listed, single = single, listed
    name = name_in(single)
    known = function in ("Fn::Contains", "Fn::EachMemberIn", "Fn::EachMemberEquals", "Fn::Equals")
    nodes = listed.content.nodes if isinstance(listed.content, Items) else (listed,)
    texts = [text_of(node.content) for node in nodes]
    if not known or not name or not texts or None in texts:
        return {}
    return {name: {text: node for text, node in zip(texts, nodes, strict=True) if text is not None}}


def _merged(function: str, found: Sequence[dict[str, Domain]]) -> dict[str, Domain]:
    """Intersect what every part says; join the alternatives only where each is about the same parameter."""
    merged: dict[str, Domain] = {}
    if function == "Fn::Or":
        names = set.intersection(*(set(one) for one in found))
        return {name: {text: node for one in found for text, node in one[name].items()} for name in sorted(names)}
    for one in found:
        for name, domain in one.items():
            kept = merged.get(name)
            merged[name] = domain if kept is None else {text: kept[text] for text in kept if text in domain}
    return merged
