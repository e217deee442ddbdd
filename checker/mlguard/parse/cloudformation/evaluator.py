"""CloudFormation's expressions, evaluated in a scenario.

`Evaluator.wrap` turns a node of the template into one that is evaluated when somebody looks at it. What only the
deployment decides becomes Unknown with its reason; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlguard.parse.cloudformation.conditions import Conditions
from mlguard.parse.cloudformation.expressions import intrinsic
from mlguard.parse.cloudformation.parameters import OTHER, Declared
from mlguard.scenario import Scenario
from mlguard.value import Choice, Entries, Items, Node, Unknown, settle

_MAX_DEPTH = 100
REGION = "AWS::Region"


@dataclass(slots=True)
class Evaluator:
    """The meaning of one template's expressions.

    `functions` are the intrinsic functions by name. `outputs` gives the node of an output of a nested stack by
    logical id and name, where that stack can be read. `region` is the region that the stack is deployed to, empty
    when nobody said.
    """

    functions: Mapping[str, Function]
    parameters: Mapping[str, Declared]
    mappings: Node | None
    conditions: Conditions
    resources: frozenset[str]
    region: str
    prefix: str
    outputs: Callable[[str, str], Node | None]
    _depth: int = 0
    _wrapped: dict[int, Node] = field(default_factory=dict)

    def wrap(self, node: Node) -> Node:
        """Give a node that is evaluated when it is looked at; plain scalars are themselves."""
        if not isinstance(node.content, Entries | Items):
            return node
        kept = self._wrapped.get(id(node))
        if kept is None:
            kept = replace(node, content=Choice(lambda scenario: self.evaluate(node, scenario)))
            self._wrapped[id(node)] = kept
        return kept

    def value(self, node: Node, scenario: Scenario) -> Node:
        """Evaluate a node: never a Choice."""
        return settle(self.wrap(node), scenario)

    def evaluate(self, node: Node, scenario: Scenario) -> Node:
        """Evaluate one node as far as its own function; what is inside of a plain mapping or list stays wrapped."""
        if self._depth > _MAX_DEPTH:
            return replace(node, content=Unknown(f"functions are nested deeper than {_MAX_DEPTH} levels"))
        call = intrinsic(node)
        self._depth += 1
        try:
            if call is not None:
                return self._call(call[0], call[1], node, scenario)
            if isinstance(node.content, Entries):
                return self._entries(node, node.content)
            if isinstance(node.content, Items):
                return replace(node, content=Items(self._items(node.content.nodes, scenario)))
            return node
        finally:
            self._depth -= 1

    def _call(self, name: str, argument: Node, node: Node, scenario: Scenario) -> Node:
        function = self.functions.get(name)
        if function is None:
            return replace(node, content=Unknown(f"{name} is evaluated at deployment"))
        return function(self, argument, node, scenario)

    def _entries(self, node: Node, content: Entries) -> Node:
        rest = content.rest
        if "Fn::Transform" in content.nodes:
            rest = Unknown("a macro (Fn::Transform) adds to this at deployment")
        return replace(node, content=Entries({key: self.wrap(value) for key, value in content.nodes.items()}, rest))

    def _items(self, nodes: Sequence[Node], scenario: Scenario) -> tuple[Node, ...]:
        """Evaluate the items that are functions: one that yields AWS::NoValue is not in the list."""
        kept = []
        for node in nodes:
            item = self.evaluate(node, scenario) if intrinsic(node) else self.wrap(node)
            if item.content is not None:
                kept.append(item)
        return tuple(kept)

    def condition(self, name: str, scenario: Scenario) -> bool:
        """Tell whether a named condition holds; one over values that nobody knows is explored both ways."""
        return self.conditions.holds(name, scenario, self._comparable)

    def region_in(self, scenario: Scenario) -> str | Unknown:
        """Give the region that the stack is deployed to in a scenario, as far as it is known."""
        if self.region:
            return self.region
        if scenario.decided(REGION):
            chosen = scenario.decide(REGION, ())
            if isinstance(chosen, str) and chosen != OTHER:
                return chosen
        return Unknown("the region is chosen at deployment: give --region or set it in the configuration")

    def _comparable(self, node: Node, scenario: Scenario) -> Node:
        """Evaluate a side of a comparison: an open parameter is explored over what it is compared with."""
        call = intrinsic(node)
        if call is not None and call[0] == "Ref" and isinstance(call[1].content, str):
            name = call[1].content
            constants = self.conditions.constants.get(name, ())
            if name in self.parameters:
                return self.parameters[name].compared(scenario, constants, node)
            if name == REGION and not self.region and constants:
                return replace(node, content=scenario.decide(REGION, (OTHER, *constants)))
        return self.value(node, scenario)


Function = Callable[[Evaluator, Node, Node, Scenario], Node]
"""An intrinsic function: its argument, the node of the whole call, and the scenario to evaluate it in."""
