"""The `Conditions` of a template, each told true or false in a scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mlguard.parse.cloudformation.expressions import fits
from mlguard.parse.cloudformation.mentions import OTHER, subject
from mlguard.scenario import Memory, Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, settle, text_of

_MAX_DEPTH = 100
Operand = Callable[[Node, Scenario], Node]
"""Evaluates a side of a comparison."""
Mentioned = Mapping[str, tuple[str, ...]]


class Conditions:
    """The named conditions of one template; `mentioned` are the values that it compares open names with."""

    def __init__(self, section: Node | None, prefix: str, memory: Memory, mentioned: Mentioned) -> None:
        content = section.content if section is not None else None
        self._named: Mapping[str, Node] = content.nodes if isinstance(content, Entries) else {}
        self._prefix = prefix
        self._memory = memory
        self._mentioned = mentioned
        self._asking: list[str] = []
        self._numbers: dict[int, int] = {}

    def holds(self, name: str, scenario: Scenario, operand: Operand) -> bool:
        """Tell whether a named condition holds; one over values that nobody knows is explored both ways."""
        key = (self._prefix, "condition", name)
        return self._memory.recall(key, scenario, lambda s: self._told(name, s, operand))

    def _told(self, name: str, scenario: Scenario, operand: Operand) -> bool:
        node = self._named.get(name)
        if node is None or name in self._asking or len(self._asking) > _MAX_DEPTH:
            return self._open(node, name, scenario)
        self._asking.append(name)
        try:
            return self._holds(node, name, scenario, operand)
        finally:
            self._asking.pop()

    def _holds(self, node: Node, name: str, scenario: Scenario, operand: Operand) -> bool:
        content = node.content
        if not isinstance(content, Entries) or len(content.nodes) != 1:
            return self._open(node, name, scenario)
        function, argument = next(iter(content.nodes.items()))
        parts = argument.content.nodes if isinstance(argument.content, Items) else (argument,)
        if function == "Condition" and isinstance(argument.content, str):
            return self.holds(argument.content, scenario, operand)
        if function == "Fn::Not" and len(parts) == 1:
            return not self._holds(parts[0], name, scenario, operand)
        if function == "Fn::And" and parts:
            return all(self._holds(part, name, scenario, operand) for part in parts)
        if function == "Fn::Or" and parts:
            return any(self._holds(part, name, scenario, operand) for part in parts)
        same = equal(parts, scenario, operand, self._mentioned) if function == "Fn::Equals" else None
        return self._open(node, name, scenario) if same is None else same

    def _open(self, node: Node | None, name: str, scenario: Scenario) -> bool:
        """Explore both ways; each comparison of a condition that nobody can tell goes its own way."""
        if not self._numbers:
            for condition in self._named.values():
                comparisons = list(_comparisons(condition))
                self._numbers.update({id(one): place for place, one in enumerate(comparisons) if len(comparisons) > 1})
        number = self._numbers.get(id(node))
        which = f"{name}, comparison {number + 1}" if number is not None else name
        return bool(scenario.decide(f"condition {self._prefix}{which}", (True, False)))


def _comparisons(condition: Node, depth: int = 0) -> Sequence[Node]:
    content = condition.content
    function, argument = (
        next(iter(content.nodes.items())) if isinstance(content, Entries) and content.nodes else ("", None)
    )
    if argument is None or function not in ("Fn::And", "Fn::Or", "Fn::Not") or depth > _MAX_DEPTH:
        return (condition,)
    parts = argument.content.nodes if isinstance(argument.content, Items) else (argument,)
    return [found for part in parts for found in _comparisons(part, depth + 1)]


def equal(parts: Sequence[Node], scenario: Scenario, operand: Operand, mentioned: Mentioned) -> bool | None:
    """Compare two values; None where nobody can tell."""
    if len(parts) != 2:  # noqa: PLR2004  (left, right)
        return None
    left, right = (operand(part, scenario).content for part in parts)
    if isinstance(left, Items) and isinstance(right, Items):
        return _equal_lists(left, right, scenario)
    known, other = (text_of(left), text_of(right))
    if known is None or other is None:
        return False if _cannot_be(left, other) or _cannot_be(right, known) else None
    if known == OTHER and other == OTHER:
        return True if subject(parts[0]) == subject(parts[1]) else None
    for one, text, against in ((parts[0], known, other), (parts[1], other, known)):
        if text == OTHER and against not in mentioned.get(subject(one), ()):
            return None  # a value that the template computes may be that other one
    return known == other


def _equal_lists(left: Items, right: Items, scenario: Scenario) -> bool | None:
    texts = [[text_of(settle(node, scenario).content) for node in one.nodes] for one in (left, right)]
    if left.rest is not None or right.rest is not None or None in texts[0] or None in texts[1]:
        return None
    return texts[0] == texts[1]


def _cannot_be(content: Content, text: str | None) -> bool:
    """Tell whether the known parts of a value rule a text out."""
    return isinstance(content, Unknown) and text is not None and not fits(content.pattern, text)
