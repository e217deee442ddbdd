"""CloudFormation's intrinsic functions and conditions, evaluated in a scenario.

`Evaluator.wrap` turns a node of the template into one that is evaluated when somebody looks at it. What only the
deployment decides becomes Unknown with its reason; nothing is guessed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlguard.parse.cloudformation.parameters import OTHER, Declared
from mlguard.scenario import Memory, Scenario
from mlguard.value import Choice, Content, Entries, Items, Node, Reference, Unknown, settle, text_of

_PLACEHOLDER = re.compile(r"\$\{([^!{}][^{}]*)\}")
_LITERAL = re.compile(r"\$\{!([^{}]*)\}")
_MAX_TEXT = 1_000_000
_MAX_DEPTH = 100
_PARTITIONS = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("us-iso-", "aws-iso"), ("us-isob-", "aws-iso-b"))
_PSEUDO = {
    "AWS::AccountId": "the account is chosen at deployment",
    "AWS::StackName": "the stack's name is chosen at deployment",
    "AWS::StackId": "the stack's id is known after deployment",
    "AWS::NotificationARNs": "notification topics are chosen at deployment",
    "AWS::URLSuffix": "the URL suffix follows from the region at deployment",
}


def intrinsic(node: Node) -> tuple[str, Node] | None:
    """Give the function and its argument when a node is the call of an intrinsic function."""
    content = node.content
    if isinstance(content, Entries) and len(content.nodes) == 1:
        name, argument = next(iter(content.nodes.items()))
        if name == "Ref" or name.startswith("Fn::"):
            return name, argument
    return None


@dataclass(slots=True)
class Evaluator:
    """The meaning of one template's expressions.

    `outputs` gives the node of an output of a nested stack by logical id and name, where that stack can be read.
    `region` is the region that the stack is deployed to, empty when nobody said.
    """

    parameters: Mapping[str, Declared]
    mappings: Node | None
    conditions: Node | None
    resources: frozenset[str]
    region: str
    prefix: str
    memory: Memory
    outputs: Callable[[str, str], Node | None]
    _depth: int = 0
    _wrapped: dict[int, Node] = field(default_factory=dict)
    _compared: dict[str, tuple[str, ...]] | None = None

    def wrap(self, node: Node) -> Node:
        """Give a node that is evaluated when it is looked at; plain scalars are themselves."""
        if not isinstance(node.content, Entries | Items):
            return node
        kept = self._wrapped.get(id(node))
        if kept is None:
            kept = node.holding(Choice(lambda scenario: self.evaluate(node, scenario)))
            self._wrapped[id(node)] = kept
        return kept

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
                return node.holding(Items(self._items(node.content.nodes, scenario)))
            return node
        finally:
            self._depth -= 1

    def _entries(self, node: Node, content: Entries) -> Node:
        rest = content.rest
        if "Fn::Transform" in content.nodes:
            rest = Unknown("a macro (Fn::Transform) adds to this at deployment")
        return node.holding(Entries({key: self.wrap(value) for key, value in content.nodes.items()}, rest))

    def _items(self, nodes: Sequence[Node], scenario: Scenario) -> tuple[Node, ...]:
        """Evaluate the items that are functions: one that yields AWS::NoValue is not in the list."""
        kept = []
        for node in nodes:
            item = self.evaluate(node, scenario) if intrinsic(node) else self.wrap(node)
            if item.content is not None:
                kept.append(item)
        return tuple(kept)

    def _call(self, name: str, argument: Node, node: Node, scenario: Scenario) -> Node:
        handler = _FUNCTIONS.get(name)
        if handler is None:
            return replace(node, content=Unknown(f"{name} is evaluated at deployment"))
        return handler(self, argument, node, scenario)

    def _ref(self, argument: Node, node: Node, scenario: Scenario) -> Node:
        return self._named(argument.content, node, scenario)

    def _named(self, name: Content, node: Node, scenario: Scenario) -> Node:
        if not isinstance(name, str):
            return replace(node, content=Unknown("Ref without the name of something"))
        if name in self.parameters:
            return self.parameters[name].value(scenario, node)
        if name in self.resources:
            return replace(node, content=Reference(f"{self.prefix}{name}"))
        return replace(node, content=self._pseudo(name, scenario))

    def _pseudo(self, name: str, scenario: Scenario) -> Content:
        if name == "AWS::NoValue":
            return None
        if name == "AWS::Region":
            return self.region_in(scenario)
        if name == "AWS::Partition":
            region = self.region_in(scenario)
            if isinstance(region, Unknown):
                return Unknown("the partition follows from the region at deployment", "aws*")
            return next((partition for start, partition in _PARTITIONS if region.startswith(start)), "aws")
        if name in _PSEUDO:
            return Unknown(f"{name}: {_PSEUDO[name]}")
        return Unknown(f'"{name}" is neither a parameter nor a resource of this template')

    def region_in(self, scenario: Scenario) -> str | Unknown:
        """Give the region that the stack is deployed to in a scenario, as far as it is known."""
        if self.region:
            return self.region
        if scenario.decided("AWS::Region"):
            chosen = scenario.decide("AWS::Region", ())
            if isinstance(chosen, str) and chosen != OTHER:
                return chosen
        return Unknown("the region is chosen at deployment: give --region or set it in the configuration")

    def _get_att(self, argument: Node, node: Node, scenario: Scenario) -> Node:
        parts = argument.content.nodes if isinstance(argument.content, Items) else (argument,)
        texts = [settle(self.wrap(part), scenario).content for part in parts]
        if len(texts) == 1 and isinstance(texts[0], str):
            texts = list(texts[0].split(".", 1))
        if len(texts) != 2 or not all(isinstance(text, str) for text in texts):  # noqa: PLR2004  (resource, attribute)
            return replace(node, content=Unknown("Fn::GetAtt of something that is not named plainly"))
        return self._attribute(str(texts[0]), str(texts[1]), node, scenario)

    def _attribute(self, resource: str, attribute: str, node: Node, scenario: Scenario) -> Node:
        if resource not in self.resources:
            return replace(node, content=Unknown(f'"{resource}" is not a resource of this template'))
        if attribute.startswith("Outputs."):
            found = self.outputs(resource, attribute.removeprefix("Outputs."))
            if found is not None:
                settled = settle(found, scenario)
                return Node(settled.content, node.span, node.key_span, settled.origins)
        return replace(node, content=Reference(f"{self.prefix}{resource}", attribute))

    def _if(self, argument: Node, node: Node, scenario: Scenario) -> Node:
        parts = argument.content.nodes if isinstance(argument.content, Items) else ()
        if len(parts) != 3 or not isinstance(parts[0].content, str):  # noqa: PLR2004  (condition, then, else)
            return replace(node, content=Unknown("Fn::If needs the name of a condition and two values"))
        chosen = parts[1] if self.condition(parts[0].content, scenario) else parts[2]
        settled = settle(self.wrap(chosen), scenario)
        if isinstance(settled.content, Entries | Items):
            return replace(settled, key_span=node.key_span)
        return Node(settled.content, chosen.span, chosen.key_span, settled.origins)

    def condition(self, name: str, scenario: Scenario) -> bool:
        """Tell whether a named condition holds; one over values that nobody knows is explored both ways."""
        return self.memory.recall((self.prefix, "condition", name), scenario, lambda s: self._condition(name, s))

    def _condition(self, name: str, scenario: Scenario) -> bool:
        found = self.conditions.content if self.conditions is not None else None
        node = found.nodes.get(name) if isinstance(found, Entries) else None
        if node is None or self._depth > _MAX_DEPTH:
            return bool(scenario.decide(f"condition {self.prefix}{name}", (True, False)))
        self._depth += 1
        try:
            return self._holds(node, name, scenario)
        finally:
            self._depth -= 1

    def _holds(self, node: Node, name: str, scenario: Scenario) -> bool:
        content = node.content
        if not isinstance(content, Entries) or len(content.nodes) != 1:
            return bool(scenario.decide(f"condition {self.prefix}{name}", (True, False)))
        function, argument = next(iter(content.nodes.items()))
        parts = argument.content.nodes if isinstance(argument.content, Items) else (argument,)
        if function == "Condition" and isinstance(argument.content, str):
            return self.condition(argument.content, scenario)
        if function == "Fn::Not" and len(parts) == 1:
            return not self._holds(parts[0], name, scenario)
        if function == "Fn::And" and parts:
            return all(self._holds(part, name, scenario) for part in parts)
        if function == "Fn::Or" and parts:
            return any(self._holds(part, name, scenario) for part in parts)
        if function == "Fn::Equals" and len(parts) == 2:  # noqa: PLR2004  (left, right)
            return self._equal(parts[0], parts[1], name, scenario)
        return bool(scenario.decide(f"condition {self.prefix}{name}", (True, False)))

    def _equal(self, left: Node, right: Node, name: str, scenario: Scenario) -> bool:
        texts = []
        for node in (left, right):
            settled = self._comparable(node, scenario)
            texts.append(text_of(settled.content))
        if texts[0] is not None and texts[1] is not None:
            return texts[0] == texts[1]
        return bool(scenario.decide(f"condition {self.prefix}{name}", (True, False)))

    def _comparable(self, node: Node, scenario: Scenario) -> Node:
        call = intrinsic(node)
        if call is not None and call[0] == "Ref" and isinstance(call[1].content, str):
            name = call[1].content
            constants = self._constants().get(name, ())
            if name in self.parameters:
                return self.parameters[name].compared(scenario, constants, node)
            if name == "AWS::Region" and not self.region and constants:
                return replace(node, content=scenario.decide("AWS::Region", (OTHER, *constants)))
        return settle(self.wrap(node), scenario)

    def _constants(self) -> Mapping[str, tuple[str, ...]]:
        """Give, for each name that a condition refers to, the constants that it is compared with."""
        if self._compared is None:
            found: dict[str, dict[str, None]] = {}
            _collect(self.conditions, found)
            self._compared = {name: tuple(constants) for name, constants in found.items()}
        return self._compared

    def _find_in_map(self, argument: Node, node: Node, scenario: Scenario) -> Node:
        parts = argument.content.nodes if isinstance(argument.content, Items) else ()
        if len(parts) < 3 or self.mappings is None:  # noqa: PLR2004  (map, first key, second key)
            return replace(node, content=Unknown("Fn::FindInMap without a map of this template"))
        here = self.mappings
        for part in parts[:3]:
            settled = settle(self.wrap(part), scenario)
            key = text_of(settled.content)
            if key is None:
                because = settled.content.because if isinstance(settled.content, Unknown) else "its key is not known"
                return replace(node, content=Unknown(f"Fn::FindInMap: {because}"))
            below = here.content.nodes.get(key) if isinstance(here.content, Entries) else None
            if below is None:
                return self._map_default(parts, key, node, scenario)
            here = below
        return Node(here.content, node.span, node.key_span, here.origins)

    def _map_default(self, parts: Sequence[Node], key: str, node: Node, scenario: Scenario) -> Node:
        if len(parts) == 4 and isinstance(parts[3].content, Entries):  # noqa: PLR2004  (the fourth holds the default)
            default = parts[3].content.nodes.get("DefaultValue")
            if default is not None:
                return settle(self.wrap(default), scenario)
        return replace(node, content=Unknown(f'Fn::FindInMap: there is no key "{key}"'))

    def _select(self, argument: Node, node: Node, scenario: Scenario) -> Node:
        parts = argument.content.nodes if isinstance(argument.content, Items) else ()
        if len(parts) == 2:  # noqa: PLR2004  (index, list)
            index = text_of(settle(self.wrap(parts[0]), scenario).content)
            values = settle(self.wrap(parts[1]), scenario).content
            if isinstance(values, Unknown):
                return replace(node, content=values)
            if index is not None and index.isdigit() and isinstance(values, Items) and int(index) < len(values.nodes):
                chosen = settle(values.nodes[int(index)], scenario)
                return Node(chosen.content, node.span, node.key_span, chosen.origins)
        return replace(node, content=Unknown("Fn::Select has nothing to select from"))

    def _split(self, argument: Node, node: Node, scenario: Scenario) -> Node:
        parts = argument.content.nodes if isinstance(argument.content, Items) else ()
        if len(parts) == 2:  # noqa: PLR2004  (delimiter, text)
            delimiter = parts[0].content
            text = settle(self.wrap(parts[1]), scenario).content
            if isinstance(text, Unknown):
                return replace(node, content=text)
            if isinstance(text, str) and isinstance(delimiter, str) and delimiter:
                return replace(
                    node, content=Items(tuple(replace(node, content=part) for part in text.split(delimiter)))
                )
        return replace(node, content=Unknown("Fn::Split of something that is not a text"))

    def _join(self, argument: Node, node: Node, scenario: Scenario) -> Node:
        parts = argument.content.nodes if isinstance(argument.content, Items) else ()
        if len(parts) != 2 or not isinstance(parts[0].content, str):  # noqa: PLR2004  (delimiter, list)
            return replace(node, content=Unknown("Fn::Join needs a delimiter and a list"))
        values = settle(self.wrap(parts[1]), scenario).content
        if isinstance(values, Items) and values.rest is None:
            return self._concatenate(values.nodes, parts[0].content, node, scenario)
        return replace(node, content=values if isinstance(values, Unknown) else Unknown("Fn::Join of an unknown list"))

    def _sub(self, argument: Node, node: Node, scenario: Scenario) -> Node:
        template, own = argument, Entries({})
        if isinstance(argument.content, Items) and len(argument.content.nodes) == 2:  # noqa: PLR2004  (text, variables)
            template = argument.content.nodes[0]
            second = argument.content.nodes[1].content
            own = second if isinstance(second, Entries) else own
        text = template.content
        if not isinstance(text, str):
            return replace(node, content=Unknown("Fn::Sub needs a text"))
        pieces: list[Node] = []
        position = 0
        for match in _PLACEHOLDER.finditer(text):
            pieces.append(replace(node, content=text[position : match.start()]))
            pieces.append(self._placeholder(match.group(1).strip(), own, node, scenario))
            position = match.end()
        pieces.append(replace(node, content=text[position:]))
        written = [piece for piece in pieces if piece.content != ""]
        if len(written) == 1 and not isinstance(written[0].content, str):
            return written[0]  # "${Name}" alone is the thing itself
        if len(written) == 1 and written[0].origins:
            return written[0]
        unescaped = [
            replace(piece, content=_LITERAL.sub(r"${\1}", piece.content)) if isinstance(piece.content, str) else piece
            for piece in written
        ]
        return self._concatenate(unescaped, "", node, scenario)

    def _placeholder(self, name: str, own: Entries, node: Node, scenario: Scenario) -> Node:
        if name in own.nodes:
            settled = settle(self.wrap(own.nodes[name]), scenario)
            return Node(settled.content, node.span, node.key_span, settled.origins)
        if "." in name:
            resource, attribute = name.split(".", 1)
            return self._attribute(resource, attribute, node, scenario)
        return self._named(name, node, scenario)

    def _concatenate(self, nodes: Sequence[Node], delimiter: str, node: Node, scenario: Scenario) -> Node:
        pieces: list[str] = []
        because = ""
        references: list[Reference] = []
        for part in nodes:
            content = settle(part, scenario).content
            text = text_of(content)
            if text is None:
                unknown = content if isinstance(content, Unknown) else None
                because = because or (unknown.because if unknown else "a part of it is known after deployment")
                references.extend(unknown.references if unknown else ())
                if isinstance(content, Reference):
                    because = f"{content.address} decides a part of it"
                    references.append(content)
            pieces.append("*" if text is None else text)
        joined = delimiter.join(pieces)
        if because:
            return replace(node, content=Unknown(because, joined[:_MAX_TEXT], tuple(references)))
        if len(joined) > _MAX_TEXT:
            return replace(node, content=Unknown(f"a text of more than {_MAX_TEXT:,} characters"))
        return replace(node, content=joined)

    def _base64(self, argument: Node, node: Node, scenario: Scenario) -> Node:
        settled = settle(self.wrap(argument), scenario)
        text = text_of(settled.content)
        if text is None:
            because = settled.content.because if isinstance(settled.content, Unknown) else "its text is not known"
            pattern = settled.content.pattern if isinstance(settled.content, Unknown) else "*"
            return replace(node, content=Unknown(because, pattern))
        encoded = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
        return Node(encoded, settled.span, node.key_span, settled.origins)

    def _length(self, argument: Node, node: Node, scenario: Scenario) -> Node:
        values = settle(self.wrap(argument), scenario).content
        if isinstance(values, Items) and values.rest is None:
            return replace(node, content=len(values.nodes))
        return replace(node, content=Unknown("Fn::Length of an unknown list"))


_FUNCTIONS: Mapping[str, Callable[[Evaluator, Node, Node, Scenario], Node]] = {
    "Ref": Evaluator._ref,  # noqa: SLF001  (the table is a part of the class, written below it)
    "Fn::GetAtt": Evaluator._get_att,  # noqa: SLF001
    "Fn::If": Evaluator._if,  # noqa: SLF001
    "Fn::FindInMap": Evaluator._find_in_map,  # noqa: SLF001
    "Fn::Select": Evaluator._select,  # noqa: SLF001
    "Fn::Split": Evaluator._split,  # noqa: SLF001
    "Fn::Join": Evaluator._join,  # noqa: SLF001
    "Fn::Sub": Evaluator._sub,  # noqa: SLF001
    "Fn::Base64": Evaluator._base64,  # noqa: SLF001
    "Fn::Length": Evaluator._length,  # noqa: SLF001
}


def _collect(section: Node | None, found: dict[str, dict[str, None]]) -> None:
    stack = [section] if section is not None else []
    while stack:
        content = stack.pop().content
        if isinstance(content, Entries):
            equals = content.nodes.get("Fn::Equals")
            if equals is not None and isinstance(equals.content, Items):
                _pair(equals.content.nodes, found)
            stack.extend(content.nodes.values())
        elif isinstance(content, Items):
            stack.extend(content.nodes)


def _pair(parts: Sequence[Node], found: dict[str, dict[str, None]]) -> None:
    for one, other in (parts, parts[::-1]) if len(parts) == 2 else ():  # noqa: PLR2004  (left, right)
        call = intrinsic(one)
        constant = text_of(other.content)
        if call is not None and call[0] == "Ref" and isinstance(call[1].content, str) and constant is not None:
            found.setdefault(call[1].content, {})[constant] = None
