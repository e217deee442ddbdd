"""What a name stands for: variables, locals, resources, data sources, modules, and the paths of the project."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping

from mlguard.errors import LimitError, MlguardError
from mlguard.parse.terraform import policy_document, template_file
from mlguard.parse.terraform.configuration import Configuration
from mlguard.parse.terraform.evaluate import evaluate
from mlguard.parse.terraform.expand import (
    OVER,
    Expansion,
    Key,
    at_most_one,
    body,
    bound,
    remembered,
    repeated_over,
    suffix,
)
from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.modules import Modules
from mlguard.parse.terraform.providers import FROM_PROVIDER, told_by_provider
from mlguard.parse.terraform.reader import template_of_file
from mlguard.parse.terraform.scanner import ScannedBlock
from mlguard.parse.terraform.scope import Budget, Instance, Scope, Step
from mlguard.parse.terraform.syntax import Attribute, Block, Literal, Name
from mlguard.parse.terraform.values import check_weight, hidden, text, unknown
from mlguard.parse.terraform.variables import RootVariables, module_value
from mlguard.record import replace
from mlguard.scenario import Memory, Scenario
from mlguard.source import Document, Root, Span
from mlguard.value import Content, Entries, Items, Node, Origin, Reference, Unknown, references_in

_HOP = 3
_WRITTEN_OUT = frozenset(
    {
        (template_file.KIND, template_file.ATTRIBUTE),
        *((policy_document.KIND, one) for one in policy_document.ATTRIBUTES),
    }
)
"""Data sources, with an attribute each, that read nothing but their own arguments."""
Kept = Node | FailureError


class Resolver:
    """The session of one project: resolves the heads of references, each value computed once for its decisions."""

    def __init__(self, root: Root, folder: str, region: str, modules: Modules) -> None:
        self.root = root
        self.folder = folder
        self.region = region
        self.modules = modules
        self.memory = Memory()
        self.budget = Budget()
        self.busy: set[object] = set()
        self.variables: RootVariables | None = None
        self.read: dict[str, object] = {}
        self.workspace = ""

    def head(self, name: str, steps: list[Step], scope: Scope, scenario: Scenario, span: Span) -> tuple[Node, int]:
        """Resolve the begin of a reference; gives the value and how many of the steps that took."""
        words = [step for step in steps[:2] if isinstance(step, str)]
        if name == "var" and words:
            return self._variable(words[0], scope.instance, scenario), 1
        if name == "local" and words:
            return self._local(words[0], scope.instance, scenario), 1
        if name == "module" and words:
            return self._module(words[0], steps, scope, scenario, span)
        if name == "data" and len(words) > 1:
            return self._data(words[0], words[1], steps, scope, scenario, span)
        if name == "path" and words:
            return Node(self._path(words[0], scope), span), 1
        if name in ("terraform", "tofu"):
            return Node(self._tool(name, words[0] if words else ""), span), len(steps)
        if name in ("each", "count", "self", "ephemeral"):
            return Node(Unknown(f"{name} is known at deployment"), span), len(steps)
        return self._resource(name, words, steps, scope, scenario, span)

    def once(self, key: tuple[object, ...], scenario: Scenario, compute: Callable[[Scenario], Node]) -> Node:
        """Compute a named value once for the decisions that it looks at; a value that needs itself is unknown."""

        def guarded(inner: Scenario) -> Kept:
            try:
                self.budget.enter(_HOP)
                if key in self.busy:
                    return NotEvaluatedError(f"{key[-2]}.{key[-1]} refers to itself")
                self.busy.add(key)
                try:
                    return check_weight(compute(inner))
                finally:
                    self.busy.discard(key)
            except FailureError as failure:
                return failure
            finally:
                self.budget.leave(_HOP)

        if key in self.busy:
            raise NotEvaluatedError(f"{key[-2]}.{key[-1]} refers to itself")
        found = self.memory.recall(key, scenario, guarded)
        if isinstance(found, FailureError):
            raise NotEvaluatedError(found.message)  # a named value that fails stops Terraform, `try` or not
        return found

    def _variable(self, name: str, instance: Instance, scenario: Scenario) -> Node:
        scanned = instance.configuration.first("variable", name)
        block = instance.configuration.block(scanned) if scanned else None
        if block is None:
            return Node(
                Unknown(f"var.{name} is not declared, or could not be read"),
                Span(instance.configuration.folder, 1, 1, 1, 1),
            )
        variables = self.variables
        if instance.parent is None and variables is not None:
            return self.once(("", "var", name), scenario, lambda inner: variables.value(name, block, inner))
        key = (instance.prefix, "var", name)
        return self.once(key, scenario, lambda inner: module_value(name, block, instance, inner))

    def _local(self, name: str, instance: Instance, scenario: Scenario) -> Node:
        argument = instance.configuration.locals().get(name)
        if argument is None:
            return Node(Unknown(f"local.{name} is not declared"), Span(instance.configuration.folder, 1, 1, 1, 1))
        scope = Scope(instance, argument.document)

        def compute(inner: Scenario) -> Node:
            node = evaluate(argument.value, scope, inner)
            return replace(node, origins=(Origin(scope.span(argument.value), f"local.{name}"), *node.origins))

        return self.once((instance.prefix, "local", name), scenario, compute)

    def _path(self, name: str, scope: Scope) -> Content:
        if name == "module":
            return posixpath.relpath("/" + scope.instance.configuration.folder, "/" + self.folder)
        return Unknown("path.cwd is that of the machine that deploys") if name == "cwd" else "."

    def _tool(self, name: str, attribute: str) -> Content:
        if attribute == "workspace" and self.workspace:
            return self.workspace
        return Unknown(f"{name}.{attribute} is chosen at deployment")

    def _resource(
        self, name: str, words: list[str], steps: list[Step], scope: Scope, scenario: Scenario, span: Span
    ) -> tuple[Node, int]:
        configuration = scope.instance.configuration
        scanned = configuration.first("resource", name, words[0]) if words else None
        if scanned is None:
            shown = f"{name}.{words[0]}" if words else name
            return Node(Unknown(f"{shown} is not declared"), span), min(len(words), 1)
        address = f"{scope.instance.prefix}{name}.{words[0]}"
        if not configuration.repeats(scanned):
            return Node(Reference(address), span), 1
        block = configuration.block(scanned)
        if block is None:
            return Node(Unknown(f"{address} could not be read"), span), 1
        found = remembered(block, Scope(scope.instance, block.document), scenario)
        if found.rest is not None and not found.values and len(steps) > 1 and _is_same_instance(steps[1], block, scope):
            return Node(Reference(address + suffix(None)), span), 2

        def instance(key: Key) -> Node:
            return Node(Reference(address + suffix(key)), span)

        return Node(_instances(found, instance, address), span), 1

    def _data(
        self, kind: str, name: str, steps: list[Step], scope: Scope, scenario: Scenario, span: Span
    ) -> tuple[Node, int]:
        after = next((step for step in steps[2:] if isinstance(step, str)), "")
        scanned = scope.instance.configuration.first("data", kind, name)
        if scanned is not None and after and kind in FROM_PROVIDER:
            block = scope.instance.configuration.block(scanned)
            inner = Scope(scope.instance, scanned.document)
            found = told_by_provider(kind, after, block, inner, scenario, self.region)
            if found is not None:
                return replace(found, span=span), len(steps)
        if scanned is not None and (kind, steps[-1]) in _WRITTEN_OUT:
            return self._written_out(scanned, str(steps[-1]), scope, scenario), len(steps)
        return Node(Unknown(f"data.{kind}.{name} is read at deployment"), span), len(steps)

    def _written_out(self, scanned: ScannedBlock, attribute: str, scope: Scope, scenario: Scenario) -> Node:
        """Give what a data source makes of its own arguments; of several instances the one that stands for all."""
        block = scope.instance.configuration.block(scanned)
        if block is None:
            raise FailureError(f"data.{'.'.join(scanned.labels)} could not be read")
        own = Scope(scope.instance, block.document)
        inner = bound(block, own, None) if scope.instance.configuration.repeats(scanned) else own

        def compute(there: Scenario) -> Node:
            if attribute == template_file.ATTRIBUTE:
                return template_file.rendered(block, inner, there)
            arguments = body(block, inner)
            return Node(policy_document.policy_json(arguments, attribute, there), arguments.span)

        return self.once((scope.instance.prefix, *scanned.labels, attribute), scenario, compute)

    def _module(self, name: str, steps: list[Step], scope: Scope, scenario: Scenario, span: Span) -> tuple[Node, int]:
        instance = scope.instance
        block = instance.configuration.named("module", name)
        if block is None:
            raise NotEvaluatedError(f"module.{name} is not declared, or could not be read")
        found = remembered(block, Scope(instance, block.document), scenario)
        if found.single:
            return self._output(name, steps, instance, None, scenario, span, single=True)
        key_step = steps[1] if len(steps) > 1 else None
        if key_step is None:

            def whole(key: Key) -> Node:
                return self._output(name, [name], instance, key, scenario, span)[0]

            return Node(_instances(found, whole, f"module.{name}"), span), 1
        key_node = Node(key_step, span) if isinstance(key_step, str) else evaluate(key_step, scope, scenario)
        if unknown(key_node.content) or (found.rest is not None and _key(key_node, found) not in found.values):
            key: Key = None
            if not found.rest:
                return Node(hidden((key_node,)), span), len(steps)
        else:
            key = _key(key_node, found)
            if key not in found.values:
                raise FailureError(f"module.{name} has no instance {suffix(key)}")
        node, used = self._output(name, [steps[0], *steps[2:]], instance, key, scenario, span)
        return node, used + 1

    def _output(  # noqa: PLR0913  (one output of one instance)
        self,
        name: str,
        steps: list[Step],
        instance: Instance,
        key: Key,
        scenario: Scenario,
        span: Span,
        *,
        single: bool = False,
    ) -> tuple[Node, int]:
        child = self.modules.child(instance, name, key, single=single)
        if child is None:
            address = f"{instance.prefix}module.{name}{'' if single else suffix(key)}"
            return self._missing_output(address, scenario, span), len(steps)
        if len(steps) > 1 and isinstance(steps[1], str):
            return self._one_output(child, steps[1], scenario), 2
        names = [scanned.labels[0] for scanned in child.configuration.scanned("output") if scanned.labels]
        outputs = {}
        for output in names:
            try:
                outputs[output] = self._one_output(child, output, scenario)
            except FailureError as failure:
                outputs[output] = Node(Unknown(failure.message), span)
        return Node(Entries(outputs), span), 1

    def _missing_output(self, address: str, scenario: Scenario, span: Span) -> Node:
        """Give what a module that is not here puts out: something of its own, or made of what it is given.

        Nothing is said of a module that may create nothing: it may hand on a name that it is given as a text.
        """
        reason = f"{address} is not here"
        gap = self.modules.gaps.get(f"{address}.")
        if gap is None or not gap.hides or gap.arguments is None:
            return Node(Unknown(reason), span)
        arguments = gap.arguments

        def compute(inner: Scenario) -> Node:
            given = dict.fromkeys(references_in(arguments, inner))
            return Node(Unknown(reason, references=(Reference(address), *given)), span)

        try:
            return self.once((address, "the arguments of", address), scenario, compute)
        except FailureError:
            return Node(Unknown(reason), span)

    def _one_output(self, child: Instance, name: str, scenario: Scenario) -> Node:
        block = child.configuration.named("output", name)
        argument = block.arguments.get("value") if block else None
        if block is None or argument is None:
            raise NotEvaluatedError(f"{child.prefix}{name} is not an output, or could not be read")
        scope = Scope(child, argument.document)

        def compute(inner: Scenario) -> Node:
            node = evaluate(argument.value, scope, inner)
            return replace(node, origins=(Origin(scope.span(argument.value), f'output "{name}"'), *node.origins))

        return self.once((child.prefix, "output", name), scenario, compute)

    def template(self, path: str, names: Mapping[str, Node]) -> Node:
        """Evaluate a file as a template that knows only these names; FailureError where that fails."""
        try:
            document = self.root.read(path)
        except MlguardError as error:
            raise NotEvaluatedError(f"{path}: {error.message}") from None
        return self._filled(document, names)

    def template_of(self, text: str, names: Mapping[str, Node]) -> Node:
        """Evaluate a text as a template that knows only these names; FailureError where that fails."""
        return self._filled(Document("a template", text), names)

    def _filled(self, document: Document, names: Mapping[str, Node]) -> Node:
        try:
            expression = template_of_file(document)
        except LimitError as error:
            raise NotEvaluatedError(f"{document.path}: {error.message}") from None
        except MlguardError as error:
            raise FailureError(f"{document.path}: {error.message}") from None
        scope = Scope(Instance(self, Configuration.empty()), document, names, strict=True, closed=True)
        return evaluate(expression, scope, Scenario())


def _is_same_instance(key: Step, block: Block, scope: Scope) -> bool:
    """Tell whether an index names the symbolic instance: the only one, or that of the same key as the block around."""
    if at_most_one(block):
        return isinstance(key, Literal) and key.value == 0
    over = scope.names.get(OVER)
    if over is None or over.content != repeated_over(block) or not isinstance(key, Attribute):
        return False
    head = key.target.name if isinstance(key.target, Name) else ""
    return (head, key.name) in {("each", "key"), ("count", "index")} and head in scope.names


def _key(node: Node, found: Expansion) -> Key:
    shown = text(node.content)
    return int(shown) if found.counted and shown.isdecimal() else shown


def _instances(found: Expansion, make: Callable[[Key], Node], address: str) -> Content:
    """Give all instances of something as the list or the map that Terraform makes of them."""
    if found.rest is not None and not found.values:
        return replace(found.rest, references=(*found.rest.references, Reference(address + suffix(None))))
    if found.counted:
        return Items(tuple(make(key) for key in found.values), found.rest)
    return Entries({str(key): make(key) for key in found.values}, found.rest)
