"""Template parameters: what a deployment may choose, and what it is known or assumed to have chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlguard.scenario import Decided, Scenario
from mlguard.value import Entries, Items, Node, Origin, Parameter, Unknown, settle, text_of

OTHER = "any other value"
"""Stands for every value of an open parameter that its template never mentions."""


@dataclass(frozen=True, slots=True, eq=False)
class Declared:
    """One entry of `Parameters`, and the nodes of its allowed values."""

    parameter: Parameter
    type: str
    allowed: Mapping[str, Node]
    given: Node | None
    decision: str

    def value(self, scenario: Scenario, at: Node) -> Node:
        """Give the parameter's value in a scenario, placed where it is used."""
        if self.given is not None:
            origin = Origin(self.given.span, f'value given for parameter "{self.parameter.name}"')
            return self._placed(settle(self.given, scenario), at, origin)
        if self.type.startswith("AWS::SSM::Parameter"):
            return self._open(at, f'parameter "{self.parameter.name}" is read from SSM at deployment')
        if self.allowed and not self._is_list:
            chosen = str(scenario.decide(self.decision, self._options()))
            origin = Origin(self.allowed[chosen].span, f'allowed value of parameter "{self.parameter.name}"')
            return self._placed(self.allowed[chosen], at, replace(origin, parameter=self.parameter))
        if scenario.decided(self.decision):
            chosen = str(scenario.decide(self.decision, ()))
            if chosen != OTHER:
                return replace(at, content=chosen)
        if self.parameter.default is not None:
            origin = Origin(self.parameter.default.span, f'default of parameter "{self.parameter.name}"')
            return self._placed(self.parameter.default, at, replace(origin, parameter=self.parameter))
        return self._open(at, f'parameter "{self.parameter.name}" has no default')

    def compared(self, scenario: Scenario, constants: Sequence[str], at: Node) -> Node:
        """Give the value for a comparison: an open parameter is explored over the values it is compared with."""
        is_open = self.given is None and not self.allowed and self.parameter.default is None
        if is_open and not self.type.startswith("AWS::SSM::Parameter") and constants:
            options: tuple[Decided, ...] = (OTHER, *constants)
            return replace(at, content=scenario.decide(self.decision, options))
        return self.value(scenario, at)

    @property
    def _is_list(self) -> bool:
        return self.type == "CommaDelimitedList" or self.type.startswith("List<")

    def _options(self) -> tuple[str, ...]:
        default = text_of(self.parameter.default.content) if self.parameter.default is not None else None
        first = (default,) if default in self.allowed else ()
        return (*first, *(value for value in self.allowed if value != default))

    def _placed(self, source: Node, at: Node, origin: Origin) -> Node:
        content = source.content
        if self._is_list and isinstance(content, str):
            content = Items(tuple(replace(at, content=part.strip()) for part in content.split(",")))
        return Node(content, at.span, at.key_span, (*source.origins, origin))

    def _open(self, at: Node, because: str) -> Node:
        origin = Origin(self.parameter.name_span, because, self.parameter)
        return Node(Unknown(because), at.span, at.key_span, (origin,))


def declare(section: Node | None, given: Mapping[str, Node], prefix: str) -> dict[str, Declared]:
    """Read the `Parameters` section; entries of another shape are passed over."""
    declared: dict[str, Declared] = {}
    if section is None or not isinstance(section.content, Entries):
        return declared
    for name, node in section.content.nodes.items():
        if not isinstance(node.content, Entries) or node.key_span is None:
            continue
        fields = node.content.nodes
        allowed = _allowed(fields.get("AllowedValues"))
        kind = fields.get("Type")
        pattern = fields.get("AllowedPattern")
        parameter = Parameter(
            name,
            node.span,
            node.key_span,
            _scalar(fields.get("Default")),
            tuple(allowed) or None,
            pattern.content if pattern is not None and isinstance(pattern.content, str) else "",
        )
        written = kind.content if kind is not None and isinstance(kind.content, str) else "String"
        declared[name] = Declared(parameter, written, allowed, given.get(name), f"{prefix}{name}")
    return declared


def _allowed(node: Node | None) -> dict[str, Node]:
    if node is None or not isinstance(node.content, Items):
        return {}
    texts = ((text_of(item.content), item) for item in node.content.nodes)
    return {text: item for text, item in texts if text is not None}


def _scalar(node: Node | None) -> Node | None:
    return node if node is not None and text_of(node.content) is not None else None
