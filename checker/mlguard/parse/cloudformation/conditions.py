"""The `Conditions` of a template, each told true or false in a scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mlguard.parse.cloudformation.expressions import arguments, intrinsic
from mlguard.scenario import Memory, Scenario
from mlguard.value import Entries, Items, Node, text_of

_MAX_DEPTH = 100
Operand = Callable[[Node, Scenario], Node]
"""Evaluates a side of a comparison."""


class Conditions:
    """The named conditions of one template."""

    def __init__(self, section: Node | None, prefix: str, memory: Memory) -> None:
        self._section = section
        self._prefix = prefix
        self._memory = memory
        self._depth = 0
        self._constants: Mapping[str, tuple[str, ...]] | None = None

    @property
    def constants(self) -> Mapping[str, tuple[str, ...]]:
        """Give, for each name that a condition refers to, the constants that it is compared with."""
        if self._constants is None:
            found: dict[str, dict[str, None]] = {}
            _collect(self._section, found)
            self._constants = {name: tuple(constants) for name, constants in found.items()}
        return self._constants

    def holds(self, name: str, scenario: Scenario, operand: Operand) -> bool:
        """Tell whether a named condition holds; one over values that nobody knows is explored both ways."""
        key = (self._prefix, "condition", name)
        return self._memory.recall(key, scenario, lambda s: self._named(name, s, operand))

    def _named(self, name: str, scenario: Scenario, operand: Operand) -> bool:
        found = self._section.content if self._section is not None else None
        node = found.nodes.get(name) if isinstance(found, Entries) else None
        if node is None or self._depth > _MAX_DEPTH:
            return self._open(name, scenario)
        self._depth += 1
        try:
            return self._holds(node, name, scenario, operand)
        finally:
            self._depth -= 1

    def _open(self, name: str, scenario: Scenario) -> bool:
        return bool(scenario.decide(f"condition {self._prefix}{name}", (True, False)))

    def _holds(self, node: Node, name: str, scenario: Scenario, operand: Operand) -> bool:
        content = node.content
        if not isinstance(content, Entries) or len(content.nodes) != 1:
            return self._open(name, scenario)
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
        if function == "Fn::Equals" and len(parts) == 2:  # noqa: PLR2004  (left, right)
            left, right = (text_of(operand(part, scenario).content) for part in parts)
            if left is not None and right is not None:
                return left == right
        return self._open(name, scenario)


def _collect(section: Node | None, found: dict[str, dict[str, None]]) -> None:
    stack = [section] if section is not None else []
    while stack:
        content = stack.pop().content
        if isinstance(content, Entries):
            equals = content.nodes.get("Fn::Equals")
            if equals is not None:
                _pair(arguments(equals), found)
            stack.extend(content.nodes.values())
        elif isinstance(content, Items):
            stack.extend(content.nodes)


def _pair(parts: Sequence[Node], found: dict[str, dict[str, None]]) -> None:
    for one, other in (parts, parts[::-1]) if len(parts) == 2 else ():  # noqa: PLR2004  (left, right)
        call = intrinsic(one)
        constant = text_of(other.content)
        if call is not None and call[0] == "Ref" and isinstance(call[1].content, str) and constant is not None:
            found.setdefault(call[1].content, {})[constant] = None
