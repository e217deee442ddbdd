"""Template parameters: what a deployment may choose, and what it is known or assumed to have chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from mlguard.parse.cloudformation.expressions import fits, resolved_at_deployment
from mlguard.parse.cloudformation.mentions import OTHER
from mlguard.patterns import MAX_SUBJECT, compile_safely, lazy_pattern
from mlguard.record import record, replace
from mlguard.scenario import Decided, ImpossibleError, Scenario
from mlguard.source import Span
from mlguard.value import Entries, Items, Node, Origin, Parameter, Unknown, settle, text_of

_SSM = "AWS::SSM::Parameter::Value<"
_WORD = r"(?:[A-Za-z0-9_:/@=, -]|\\[.\-/]|\[\.\])+"
_ALTERNATIVES = lazy_pattern(rf"\^?(?:\((?:\?:)?({_WORD}(?:\|{_WORD})*)\)|({_WORD}))\$?|\^?({_WORD}(?:\|{_WORD})+)\$?")


@record()
class _Chosen:
    """The node that holds a parameter's value, and what it is of the parameter."""

    source: Node
    what: str
    by_deployment: bool = True
    instead_of_default: bool = False


@record(eq=False)
class Declared:
    """One entry of `Parameters`: the nodes of its allowed values, the value that a user gave.

    `decision` names it in scenarios. The value of a secret one (`NoEcho`) serves comparisons and nothing else.
    """

    parameter: Parameter
    type: str
    default: Node | None
    allowed: Mapping[str, Node]
    given: Node | None
    decision: str
    secret: bool = False

    @property
    def is_list(self) -> bool:
        """Tell whether its value is a list, written with commas between the items."""
        return self.type == "CommaDelimitedList" or self.type.startswith("List<")

    def secret_spans(self) -> Iterator[Span]:
        """Give the places where a value of a secret parameter is written."""
        if self.secret:
            yield from (node.span for node in (self.default, self.given, *self.allowed.values()) if node is not None)

    def value(self, scenario: Scenario, at: Node, ruled: Mapping[str, Node] | None = None) -> Node:
        """Give the parameter's value in a scenario, placed where it is used.

        `ruled` are the values that a rule of the template leaves in this scenario.
        """
        found = self._written(scenario, at, ruled)
        if self.secret:
            return found
        if isinstance(found.content, Unknown) and scenario.decided(self.decision):
            chosen = scenario.decide(self.decision, ())  # by a comparison
            return found if chosen == OTHER else Node(chosen, at.span, at.key_span, found.origins)
        return found

    def compared(
        self, scenario: Scenario, constants: Sequence[str], at: Node, ruled: Mapping[str, Node] | None = None
    ) -> Node:
        """Give the value for a comparison: an open parameter is explored over the values that are mentioned."""
        if self.secret:
            source = self.given or self.default
            return (
                self._written(scenario, at, ruled)
                if source is None
                else self._placed(settle(source, scenario), at, None)
            )
        found = self._written(scenario, at, ruled)
        if not isinstance(found.content, Unknown) or self.is_list or not constants:
            return found
        fitting = (text for text in constants if self._fits(text) and fits(found.content.pattern, text))
        options: tuple[Decided, ...] = (OTHER, *fitting)
        return Node(scenario.decide(self.decision, options), at.span, at.key_span, found.origins)

    def _written(self, scenario: Scenario, at: Node, ruled: Mapping[str, Node] | None) -> Node:
        name = self.parameter.name
        if self.secret:
            return self._open(at, f'the value of parameter "{name}" is a secret (NoEcho)')
        if self.type.startswith(_SSM):
            return self._open(at, f'parameter "{name}" is read from SSM at deployment')
        return self._known(scenario, at, ruled) or self._open(at, f'parameter "{name}" has no default')

    def _known(self, scenario: Scenario, at: Node, ruled: Mapping[str, Node] | None) -> Node | None:
        chosen = self._chosen(scenario, ruled)
        if chosen is None:
            return None
        place = chosen.source.span if chosen.source.span.path else self.parameter.name_span
        parameter = self.parameter if chosen.by_deployment else None
        what = f'{chosen.what} parameter "{self.parameter.name}"'
        return self._placed(chosen.source, at, Origin(place, what, parameter, chosen.instead_of_default))

    def _chosen(self, scenario: Scenario, ruled: Mapping[str, Node] | None) -> _Chosen | None:
        """Give the node that holds the value, and what it is of the parameter; None where the value is open."""
        if self.given is not None:
            given = settle(self.given, scenario)
            if given.content is not None:  # AWS::NoValue leaves the default
                return _Chosen(given, "value given for", by_deployment=False)
        allowed = self.allowed
        if ruled is not None:
            allowed = {text: node for text, node in ruled.items() if not allowed or text in allowed}
        if allowed or ruled is not None:
            options = self._options(allowed)
            if not options:
                raise ImpossibleError
            chosen = str(scenario.decide(self.decision, options))
            if chosen in allowed:
                default = text_of(self.default.content) if self.default is not None else None
                instead = chosen != default and default in options
                return _Chosen(allowed[chosen], "allowed value of", instead_of_default=instead)
        if self.default is not None:
            return _Chosen(self.default, "default of")
        return None

    def _options(self, allowed: Mapping[str, Node]) -> tuple[str, ...]:
        """Give the values to explore, the default first; of lists, the default and each list of one."""
        default = text_of(self.default.content) if self.default is not None else None
        if default is None:
            return tuple(allowed)
        parts = split_list(default) if self.is_list else [default]
        first = (default,) if all(part in allowed for part in parts) else ()
        return (*first, *(value for value in allowed if value != default))

    def _fits(self, text: str) -> bool:
        """Tell whether the parameter may have a value at all."""
        pattern = compile_safely(self.parameter.pattern) if self.parameter.pattern else None
        return pattern is None or len(text) > MAX_SUBJECT or pattern.fullmatch(text) is not None

    def _placed(self, source: Node, at: Node, origin: Origin | None) -> Node:
        content = source.content
        text = text_of(content)
        if text is not None and self.is_list:
            content = Items(tuple(replace(at, content=part) for part in split_list(text)))
        elif isinstance(content, str):
            content = resolved_at_deployment(content) or content
        origins = (*source.origins, origin) if origin is not None else source.origins
        return Node(content, at.span, at.key_span, origins)

    def _open(self, at: Node, why: str) -> Node:
        origin = Origin(self.parameter.name_span, why, self.parameter)
        return Node(Unknown(why), at.span, at.key_span, (origin,))


def split_list(text: str) -> list[str]:
    """Split the value of a list parameter as CloudFormation does: at commas, without the space around."""
    return [part.strip() for part in text.split(",")]


def declare(section: Node | None, given: Mapping[str, Node], prefix: str) -> dict[str, Declared]:
    """Read the `Parameters` section; entries of another shape are passed over."""
    declared: dict[str, Declared] = {}
    if section is None or not isinstance(section.content, Entries):
        return declared
    for name, node in section.content.nodes.items():
        if isinstance(node.content, Entries) and node.key_span is not None:
            declared[name] = _declared(name, node, node.content.nodes, given.get(name), prefix)
    return declared


def _declared(name: str, node: Node, fields: Mapping[str, Node], given: Node | None, prefix: str) -> Declared:
    pattern = _text(fields.get("AllowedPattern"))
    secret = text_of(fields["NoEcho"].content) == "true" if "NoEcho" in fields else False
    default = _scalar(fields.get("Default"))
    allowed = _allowed(fields.get("AllowedValues")) or _alternatives(pattern, fields.get("AllowedPattern"))
    parameter = Parameter(
        name,
        node.span,
        node.key_span or node.span,
        None if secret else default,
        tuple(allowed) or None,
        pattern,
    )
    written = _text(fields.get("Type")) or "String"
    return Declared(parameter, written, default, allowed, given, f"{prefix}{name}", secret)


def _allowed(node: Node | None) -> dict[str, Node]:
    if node is None or not isinstance(node.content, Items):
        return {}
    texts = ((text_of(item.content), item) for item in node.content.nodes)
    return {text: item for text, item in texts if text is not None}


def _alternatives(pattern: str, node: Node | None) -> dict[str, Node]:
    """Give the values that a pattern leaves when it is a plain choice: `^(dev|prod)$`."""
    found = _ALTERNATIVES.fullmatch(pattern) if node is not None and len(pattern) <= MAX_SUBJECT else None
    if found is None or node is None:
        return {}
    texts = (found[1] or found[2] or found[3]).split("|")
    plain = (re.sub(r"\\(.)|\[(\.)\]", r"\1\2", text) for text in texts)
    return {text: replace(node, content=text, key_span=None) for text in plain}


def _text(node: Node | None) -> str:
    return node.content if node is not None and isinstance(node.content, str) else ""


def _scalar(node: Node | None) -> Node | None:
    return node if node is not None and text_of(node.content) is not None else None


def not_allowed(declared: Mapping[str, Declared]) -> Iterator[str]:
    """Say which given values are none of the allowed ones: a deployment with them fails."""
    for name, one in declared.items():
        text = text_of(one.given.content) if one.given is not None else None
        if text is None or not one.allowed or one.type.startswith(_SSM):
            continue
        wrong = [part for part in (split_list(text) if one.is_list else [text]) if part not in one.allowed]
        if wrong and one.given is not None:
            where = f"{one.given.place.path}:{one.given.place.line}: " if one.given.span.path else ""
            shown = "the value given" if one.secret else f'"{wrong[0][:100]}"'
            yield f"{where}{shown} is none of the allowed values of parameter {name}: a deployment with it fails"
