"""CloudFormation's expressions, evaluated in a scenario.

`Evaluator.wrap` turns a node of the template into one that is evaluated when somebody looks at it. What only the
deployment decides becomes Unknown with its reason; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlguard.parse.cloudformation.conditions import Conditions, Mentioned
from mlguard.parse.cloudformation.expressions import fits, intrinsic, name_in, resolved_at_deployment
from mlguard.parse.cloudformation.loops import LOOP, Budget, Expansion, expand
from mlguard.parse.cloudformation.mentions import OTHER, subject
from mlguard.parse.cloudformation.parameters import Declared
from mlguard.parse.cloudformation.rules import Rules
from mlguard.record import field, record, replace
from mlguard.scenario import Decided, Memory, Scenario
from mlguard.value import Choice, Entries, Items, Node, Reference, Unknown, settle

_MAX_DEPTH = 100
REGION = "AWS::Region"
_OF_THE_DEPLOYMENT = frozenset((REGION, "AWS::AccountId", "AWS::Partition", "AWS::URLSuffix"))
"""Names that mean the same in every nested stack."""


@record(frozen=False)
class Depth:
    """How deep the evaluation is at the moment, through all the stacks that are nested in one another."""

    levels: int = 0


@record(frozen=False)
class Evaluator:
    """The meaning of one template's expressions.

    `functions` are the intrinsic functions by name. `outputs` gives the node of an output of a nested stack by
    logical id and name, `exports` that of an exported value by its name, where these can be read. `region` is the
    region and `account` the account that the stack is deployed to, `stack` its name; empty when nobody said.
    `following` are the outputs that are being evaluated.
    `following` are the attributes that are being evaluated.
    """

    functions: Mapping[str, Function]
    parameters: Mapping[str, Declared]
    mappings: Node | None
    conditions: Conditions
    rules: Rules
    mentioned: Mentioned
    resources: frozenset[str]
    region: str
    account: str
    stack: str
    prefix: str
    memory: Memory
    outputs: Callable[[str, str], Node | None]
    exports: Callable[[str], Node | None]
    depth: Depth
    following: set[str] = field(default_factory=set)
    loops: Budget = field(default_factory=Budget)
    _wrapped: dict[int, Node] = field(default_factory=dict)

    def wrap(self, node: Node) -> Node:
        """Give a node that is evaluated when it is looked at; plain scalars are themselves."""
        content = node.content
        if isinstance(content, str):
            unknown = resolved_at_deployment(content) if "{{resolve:" in content else None
            return node if unknown is None else replace(node, content=unknown)
        if not isinstance(content, Entries | Items):
            return node
        kept = self._wrapped.get(id(node))
        if kept is None:
            kept = node if self._is_plain(content) else self._evaluated(node)
            self._wrapped[id(node)] = kept
        return kept

    def _is_plain(self, content: Entries | Items) -> bool:
        """Tell whether a value is the same in every scenario: no function in it, and nothing left out of a list."""
        if isinstance(content, Items):
            return all(one.content is not None and self.wrap(one) is one for one in content.nodes)
        functions = any(key == "Ref" or key.startswith("Fn::") for key in content.nodes)
        return not functions and all(self.wrap(one) is one for one in content.nodes.values())

    def _evaluated(self, node: Node) -> Node:
        return Node(Choice(lambda scenario: self.evaluate(node, scenario)), node.span, node.key_span, node.origins)

    def value(self, node: Node, scenario: Scenario) -> Node:
        """Evaluate a node: never a Choice."""
        return settle(self.wrap(node), scenario)

    def evaluate(self, node: Node, scenario: Scenario) -> Node:
        """Evaluate one node as far as its own function; what is inside of a plain mapping or list stays wrapped."""
        if self.depth.levels > _MAX_DEPTH:
            return replace(node, content=Unknown(f"functions are nested deeper than {_MAX_DEPTH} levels"))
        call = intrinsic(node)
        self.depth.levels += 1
        try:
            if call is not None and not call[0].startswith(LOOP):
                return self._call(call[0], call[1], node, scenario)
            if isinstance(node.content, Entries):
                return self._entries(node, node.content, scenario)
            if isinstance(node.content, Items):
                return Node(self._items(node.content, scenario), node.span, node.key_span, node.origins)
            return node
        finally:
            self.depth.levels -= 1

    def _call(self, name: str, argument: Node, node: Node, scenario: Scenario) -> Node:
        function = self.functions.get(name)
        if function is None:
            return replace(node, content=Unknown(f"{name} is evaluated at deployment"))
        return function(self, argument, node, scenario)

    def _entries(self, node: Node, content: Entries, scenario: Scenario) -> Node:
        if not any(key.startswith("Fn::") for key in content.nodes):
            wrapped = {key: self.wrap(value) for key, value in content.nodes.items()}
            return Node(Entries(wrapped, content.rest), node.span, node.key_span, node.origins)
        rest = content.rest
        nodes: dict[str, Node] = {}
        for key, value in content.nodes.items():
            if key.startswith(LOOP):
                made = self.expanded(key, value, scenario)
                nodes |= {name: self.wrap(one) for name, one in made.nodes.items() if name not in content.nodes}
                rest = rest or made.rest
            else:
                nodes[key] = self.wrap(value)
        if "Fn::Transform" in nodes:
            rest = Unknown("a macro (Fn::Transform) adds to this at deployment")
        return replace(node, content=Entries(nodes, rest))

    def _items(self, content: Items, scenario: Scenario) -> Items:
        """Evaluate the items that are functions: one that yields AWS::NoValue is not in the list."""
        kept = []
        for node in content.nodes:
            item = self.evaluate(node, scenario) if intrinsic(node) else self.wrap(node)
            if item.content is not None:
                kept.append(item)
        return Items(tuple(kept), content.rest)

    def expanded(self, key: str, argument: Node, scenario: Scenario) -> Expansion:
        """Give what a loop, `Fn::ForEach::Name`, makes in a scenario, other loops inside of it expanded."""

        def made(within: Scenario) -> tuple[Node, Expansion]:
            return argument, expand(key, argument, lambda node: self.value(node, within), within, self.loops)

        # what is remembered holds the argument, so that no other node gets its identity
        return self.memory.recall((self.prefix, "loop", id(argument)), scenario, made)[1]

    def parameter(self, name: str, node: Node, scenario: Scenario, *, compared: bool = False) -> Node:
        """Give the value of a parameter, placed where it is used, as the rules of the template leave it."""
        declared = self.parameters[name]
        ruled = None
        if declared.given is None and not declared.allowed:
            ruled = self.rules.domain(name, scenario, self.compared)
        before, scenario.guard = scenario.guard, self._guard
        try:
            if compared:
                found = declared.compared(scenario, self.mentioned.get(name, ()), node, ruled)
            else:
                found = declared.value(scenario, node, ruled)
        finally:
            scenario.guard = before
        self._guard(scenario)
        return found

    def _guard(self, scenario: Scenario) -> None:
        self.rules.check(scenario, self.compared)

    def condition(self, name: str, scenario: Scenario) -> bool:
        """Tell whether a named condition holds; one over values that nobody knows is explored both ways."""
        return self.conditions.holds(name, scenario, self.compared)

    def compared(self, node: Node, scenario: Scenario) -> Node:
        """Evaluate what is compared or looked up: an open value is explored over those that the template mentions.

        Gives the text OTHER for a value that the template does not mention.
        """
        name = name_in(node)
        if name in self.parameters:
            return self.parameter(name, node, scenario, compared=True)
        found = self.value(node, scenario)
        if not isinstance(found.content, Unknown | Reference):
            return found
        pattern = found.content.pattern if isinstance(found.content, Unknown) else "*"
        options: tuple[Decided, ...] = tuple(
            text for text in self.mentioned.get(subject(node), ()) if fits(pattern, text)
        )
        if not options:
            return found
        return replace(found, content=scenario.decide(self.variable(node), (OTHER, *options)))

    def variable(self, node: Node) -> str:
        """Name an open value in scenarios."""
        name = subject(node)
        return name if name in _OF_THE_DEPLOYMENT else f"{self.prefix}{name}"

    def decided(self, name: str, scenario: Scenario) -> str | None:
        """Give what a comparison made of an open pseudo parameter in this scenario."""
        variable = name if name in _OF_THE_DEPLOYMENT else f"{self.prefix}{name}"
        chosen = scenario.decide(variable, ()) if scenario.decided(variable) else None
        return chosen if isinstance(chosen, str) and chosen != OTHER else None

    def region_in(self, scenario: Scenario) -> str | Unknown:
        """Give the region that the stack is deployed to in a scenario, as far as it is known."""
        unknown = Unknown("the region is chosen at deployment: give --region or set it in the configuration")
        return self.region or self.decided(REGION, scenario) or unknown


Function = Callable[[Evaluator, Node, Node, Scenario], Node]
"""An intrinsic function: its argument, the node of the whole call, and the scenario to evaluate it in."""
