"""The variables of a root: who gives them a value, which values they may have, and how they are told to a person."""

from __future__ import annotations

from mlguard.errors import MlguardError
from mlguard.parse.terraform.assignments import Assignments
from mlguard.parse.terraform.constraints import fitted
from mlguard.parse.terraform.domains import Domain, both_truths, decision, validations
from mlguard.parse.terraform.evaluate import evaluate, evaluate_softly
from mlguard.parse.terraform.failure import FailureError
from mlguard.parse.terraform.reader import read_expression
from mlguard.parse.terraform.scope import Instance, Scope
from mlguard.parse.terraform.syntax import Block, Expression, Literal, Name
from mlguard.parse.terraform.values import equal, is_scalar, plain, wrapped
from mlguard.record import replace
from mlguard.scenario import Scenario
from mlguard.source import Document, Span
from mlguard.value import Node, Origin, Parameter, Unknown, text_of

_PRIMITIVE = ("string", "number", "bool")


class RootVariables:
    """The variables of a root, as parameters and as values in a scenario."""

    def __init__(self, instance: Instance, assignments: Assignments) -> None:
        self.instance = instance
        self.assignments = assignments
        self._parameters: dict[str, tuple[Parameter, Domain | None]] = {}

    def parameter(self, name: str, block: Block) -> Parameter:
        """Describe a variable to whoever may choose its value."""
        return self._described(name, block)[0]

    def value(self, name: str, block: Block, scenario: Scenario) -> Node:
        """Give the value of a variable; in each scenario another one where its domain is closed and nobody chose."""
        parameter, domain = self._described(name, block)
        node, what = self._assigned(name, block, parameter, scenario)
        instead = False
        if node is None and domain is not None:
            node, what, instead = self._decided(name, domain, parameter, scenario)
        if node is None:
            node, what = parameter.default, f'default of variable "{name}"'
        if node is None:
            node = Node(Unknown(f"var.{name} has no value"), parameter.name_span)
            what = f'variable "{name}" has no default'
        return replace(node, origins=(Origin(node.span, what, parameter, instead),))

    def _assigned(self, name: str, block: Block, parameter: Parameter, scenario: Scenario) -> tuple[Node | None, str]:
        argument = self.assignments.argument(name)
        written = self.assignments.text(name)
        if name in self.assignments.planned:
            return self._planned(name, block, parameter, scenario)
        if written is not None:
            node = self._from_text(written[0], block, parameter.name_span, scenario)
            what = written[1]
        elif argument is not None:
            node = evaluate_softly(argument.value, Scope(self.instance, argument.document), scenario)
            what = f"set in {argument.document.path}"
        else:
            return None, ""
        node = fitted(node, block, Scope(self.instance, block.document), scenario)
        return (
            (None, "") if node.content is None and parameter.default is not None and _not_null(block) else (node, what)
        )

    def _planned(self, name: str, block: Block, parameter: Parameter, scenario: Scenario) -> tuple[Node, str]:
        """Give the value of a plan, where it was written when a file or the default says the same."""
        scope = Scope(self.instance, block.document)
        node = fitted(self.assignments.planned[name], block, scope, scenario)
        argument = self.assignments.argument(name)
        if argument is not None:
            inside = Scope(self.instance, argument.document)
            written = fitted(evaluate_softly(argument.value, inside, scenario), block, scope, scenario)
            if equal(written, node):
                return written, f"set in {argument.document.path}"
        if parameter.default is not None and equal(parameter.default, node):
            return parameter.default, f'default of variable "{name}"'
        return node, f'value of variable "{name}" in the plan'

    def _from_text(self, given: str, block: Block, at: Span, scenario: Scenario) -> Node:
        kind = _type_name(block) if "type" in block.arguments else "string"
        if kind in _PRIMITIVE:
            return Node(given, at)
        document = Document(f"the value given for {block.labels[0] if block.labels else ''}", given)
        try:
            value = evaluate(read_expression(document, 0, len(given)), Scope(self.instance, document), scenario)
            return wrapped(plain(value), at)
        except FailureError as failure:
            return Node(Unknown(failure.message), at)
        except MlguardError as error:
            return Node(given, at) if kind == "any" else Node(Unknown(error.message), at)

    def _decided(
        self, name: str, domain: Domain, parameter: Parameter, scenario: Scenario
    ) -> tuple[Node | None, str, bool]:
        """Choose one of the values; tell what it is, and whether it stands in for a default that is allowed, too."""
        default = parameter.default
        nodes = {decision(node): node for node in domain.nodes}
        if default is not None and (is_scalar(default.content) or default.content is None):
            key = decision(default)
            if nodes.pop(key, None) is not None:  # a default that its own validation refuses is never deployed
                nodes = {key: default, **nodes}
        chosen = scenario.decide(f"var.{name}", tuple(nodes))
        node = nodes.get(chosen)
        if node is default and default is not None:
            return node, f'default of variable "{name}"', False
        return node, f'allowed value of variable "{name}"', default is not None and default in nodes.values()

    def _described(self, name: str, block: Block) -> tuple[Parameter, Domain | None]:
        if name not in self._parameters:
            scope = Scope(self.instance, block.document)
            span = block.document.span(block.start, block.end)
            header = block.document.span(block.start, block.header_end)
            given = block.arguments.get("default")
            default = None
            if given is not None:
                default = replace(
                    fitted(evaluate_softly(given.value, scope, Scenario()), block, scope, Scenario()), origins=()
                )
                default = replace(default, key_span=given.document.span(given.start, given.end))
            self._parameters[name] = (Parameter(name, span, header, default), None)
            domain, pattern = validations(name, block, scope)
            if domain is None and default is None and _type_name(block) == "bool":
                domain = both_truths(scope.span(block.arguments["type"].value))
            allowed = None
            if domain is not None:
                allowed = tuple(shown for node in domain.nodes if (shown := text_of(node.content)) is not None)
            self._parameters[name] = (Parameter(name, span, header, default, allowed, pattern), domain)
        return self._parameters[name]


def _type_name(block: Block) -> str:
    """Give the type of a variable where it is one word: `string`, or `"string"` as old configurations write it."""
    constraint = block.arguments.get("type")
    value: Expression | None = constraint.value if constraint is not None else None
    if isinstance(value, Name):
        return value.name
    return value.value if isinstance(value, Literal) and isinstance(value.value, str) else ""


def _not_null(block: Block) -> bool:
    nullable = block.arguments.get("nullable")
    return nullable is not None and isinstance(nullable.value, Literal) and nullable.value.value is False


def module_value(name: str, block: Block, instance: Instance, scenario: Scenario) -> Node:
    """Give the value of a variable of a called module: what the call says, else the default."""
    scope = Scope(instance, block.document)
    argument = instance.argument(name)
    module = instance.call.labels[0] if instance.call and instance.call.labels else ""
    if argument is not None and instance.scope is not None:
        outside = replace(instance.scope, document=argument.document)
        node = evaluate_softly(argument.value, outside, scenario)
        node = fitted(node, block, scope, scenario)
        if node.content is not None or not _not_null(block):
            origin = Origin(outside.span(argument.value), f'argument "{name}" of module "{module}"')
            return replace(node, origins=(origin, *node.origins))
    default = block.arguments.get("default")
    header = block.document.span(block.start, block.header_end)
    if default is None:
        node = Node(Unknown(f'var.{name} of module "{module}" has no value'), header)
        return replace(node, origins=(Origin(header, f'variable "{name}" has no default'),))
    node = fitted(evaluate_softly(default.value, scope, scenario), block, scope, scenario)
    return replace(node, origins=(Origin(node.span, f'default of variable "{name}"'),))
