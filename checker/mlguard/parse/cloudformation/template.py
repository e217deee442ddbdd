"""A CloudFormation template, and the local nested ones that it deploys, to raw resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mlguard.errors import LimitError, MlguardError, ParseError
from mlguard.parse.cloudformation.intrinsics import Evaluator
from mlguard.parse.cloudformation.parameters import Declared, declare
from mlguard.parse.markup import load_markup
from mlguard.resource import Gap, RawResource, Waiver, always
from mlguard.scenario import Memory, Scenario
from mlguard.source import Document, Root, Span
from mlguard.value import Choice, Entries, Items, Node, Parameter

NESTED = "AWS::CloudFormation::Stack"
_MAX_NESTING = 10
_MAX_NESTED = 100
_HARMLESS_TRANSFORMS = ("AWS::Serverless-2016-10-31", "AWS::LanguageExtensions", "AWS::SecretsManager-")


@dataclass(slots=True)
class Surroundings:
    """What every template of one project shares.

    `locate` gives the path, relative to the root, of the template that a nested stack names, None when it is not a
    local file.
    """

    root: Root | None
    region: str
    wanted: Callable[[str], bool]
    locate: Callable[[str, str, Node], str | None]
    memory: Memory = field(default_factory=Memory)
    documents: dict[str, Document] = field(default_factory=dict)
    problems: list[MlguardError] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    nested: int = 0


@dataclass(slots=True)
class Template:
    """One template in its place: a stack of its own, or nested in another."""

    node: Node
    path: str
    around: Surroundings
    prefix: str = ""
    given: Mapping[str, Node] = field(default_factory=dict)
    depth: int = 0
    chain: tuple[str, ...] = ()
    stack_condition: Callable[[Scenario], bool] | None = None
    _nested: dict[str, Template | None] = field(default_factory=dict)
    _evaluator: Evaluator | None = None
    _declared: dict[str, Declared] | None = None

    def section(self, name: str) -> Node | None:
        """Give a top-level section when it is there."""
        content = self.node.content
        return content.nodes.get(name) if isinstance(content, Entries) else None

    @property
    def entries(self) -> Mapping[str, Node]:
        """The `Resources` section."""
        section = self.section("Resources")
        return section.content.nodes if section is not None and isinstance(section.content, Entries) else {}

    @property
    def declared(self) -> dict[str, Declared]:
        """The `Parameters` section."""
        if self._declared is None:
            self._declared = declare(self.section("Parameters"), self.given, self.prefix)
        return self._declared

    @property
    def evaluator(self) -> Evaluator:
        """The meaning of the template's expressions."""
        if self._evaluator is None:
            self._evaluator = Evaluator(
                self.declared,
                self.section("Mappings"),
                self.section("Conditions"),
                frozenset(self.entries),
                self.around.region,
                self.prefix,
                self.around.memory,
                self._output,
            )
        return self._evaluator

    def parameters(self) -> tuple[Parameter, ...]:
        """Give the parameters that a deployment may choose."""
        return tuple(declared.parameter for declared in self.declared.values() if declared.given is None)

    def resources(self) -> list[RawResource]:
        """Give the resources of this template and of its local nested ones, as written."""
        self._note_macros()
        found: list[RawResource] = []
        for name, node in self.entries.items():
            kind = self._type_of(name, node)
            if not kind:
                continue
            if kind == NESTED:
                nested = self.nested(name)
                if nested is not None:
                    found.extend(nested.resources())
            if self.around.wanted(kind):
                found.append(self._resource(name, kind, node))
        return found

    def nested(self, name: str) -> Template | None:
        """Give the template of a nested stack when it is a local file; a gap is noted when it is not."""
        if name not in self._nested:
            self._nested[name] = None  # a template that nests itself ends here
            self._nested[name] = self._open_nested(name)
        return self._nested[name]

    def _type_of(self, name: str, node: Node) -> str:
        content = node.content
        at = node.key_span or node.span
        if name.startswith("Fn::"):
            self.around.gaps.append(Gap(at, f"{name} adds resources at deployment"))
            return ""
        kind = content.nodes.get("Type") if isinstance(content, Entries) else None
        if kind is None:
            self._problem(f'the resource "{name}" has no Type', at)
            return ""
        if not isinstance(kind.content, str):
            self.around.gaps.append(Gap(at, f'the type of "{name}" is chosen at deployment'))
            return ""
        return kind.content

    def _problem(self, message: str, at: Span) -> None:
        self.around.problems.append(ParseError(message, at.path, at.line, at.column))

    def _note_macros(self) -> None:
        section = self.section("Transform")
        if section is None:
            return
        nodes = section.content.nodes if isinstance(section.content, Items) else (section,)
        for node in nodes:
            name = node.content if isinstance(node.content, str) else "a macro"
            if not name.startswith(_HARMLESS_TRANSFORMS):
                at = section.key_span or section.span
                self.around.gaps.append(Gap(at, f"the macro {name} may add resources at deployment"))

    def _resource(self, name: str, kind: str, node: Node) -> RawResource:
        fields = node.content.nodes if isinstance(node.content, Entries) else {}
        at = node.key_span or node.span
        body = fields.get("Properties") or Node(Entries({}), at, at)
        if not isinstance(body.content, Entries) and body.content is not None:
            self._problem(f'the Properties of "{name}" are not a mapping', body.key_span or at)
            body = Node(Entries({}), at, at)
        policy = fields.get("DeletionPolicy")
        return RawResource(
            format="cloudformation",
            type=kind,
            address=f"{self.prefix}{name}",
            body=self.evaluator.wrap(body),
            span=node.span,
            name_span=at,
            region=Node(Choice(self._region), at),
            exists=self._existence(fields.get("Condition")),
            construct=_construct_path(fields.get("Metadata")),
            waivers=_waivers(fields.get("Metadata")),
            removal=self.evaluator.wrap(policy) if policy is not None else None,
        )

    def _region(self, scenario: Scenario) -> Node:
        at = self.node.span
        region = self.evaluator.region_in(scenario)
        return Node(region, Span(at.path, at.line, at.column, at.line, at.column))

    def _existence(self, condition: Node | None) -> Callable[[Scenario], bool]:
        outer = self.stack_condition
        own = condition.content if condition is not None else None
        if not isinstance(own, str):
            return outer or always
        evaluator = self.evaluator

        def exists(scenario: Scenario) -> bool:
            return (outer is None or outer(scenario)) and evaluator.condition(own, scenario)

        return exists

    def _open_nested(self, name: str) -> Template | None:
        node = self.entries[name]
        fields = node.content.nodes if isinstance(node.content, Entries) else {}
        at = node.key_span or node.span
        path = self.around.locate(self.path, name, node) if self.depth < _MAX_NESTING else None
        if path is not None and path in (self.path, *self.chain):
            self.around.gaps.append(Gap(at, f'the nested stack "{name}" nests its own template'))
            return None
        if path is not None:
            self.around.nested += 1
            if self.around.nested > _MAX_NESTED:
                if self.around.nested == _MAX_NESTED + 1:
                    message = f"more than {_MAX_NESTED} nested stacks: those beyond are not read"
                    self.around.problems.append(LimitError(message, at.path, at.line, at.column))
                path = None
        if path is None or self.around.root is None:
            self.around.gaps.append(Gap(at, f'the nested stack "{name}" has its template elsewhere'))
            return None
        try:
            document = self.around.documents.get(path) or self.around.root.read(path)
            self.around.documents[path] = document
            documents = load_markup(document)
        except MlguardError as error:
            self.around.problems.append(error)
            return None
        bound = _below(_below(fields, "Properties"), "Parameters")
        return Template(
            documents[0] if documents else Node(None, at),
            path,
            self.around,
            f"{self.prefix}{name}/",
            {key: self.evaluator.wrap(value) for key, value in bound.items()},
            self.depth + 1,
            (*self.chain, self.path),
            self._existence(fields.get("Condition")),
        )

    def _output(self, resource: str, output: str) -> Node | None:
        nested = self.nested(resource) if self._is_nested(resource) else None
        section = nested.section("Outputs") if nested is not None else None
        if nested is None or section is None or not isinstance(section.content, Entries):
            return None
        declared = section.content.nodes.get(output)
        value = declared.content.nodes.get("Value") if declared and isinstance(declared.content, Entries) else None
        return nested.evaluator.wrap(value) if value is not None else None

    def _is_nested(self, resource: str) -> bool:
        node = self.entries.get(resource)
        kind = node.content.nodes.get("Type") if node is not None and isinstance(node.content, Entries) else None
        return kind is not None and kind.content == NESTED


def _below(fields: Mapping[str, Node], key: str) -> Mapping[str, Node]:
    node = fields.get(key)
    return node.content.nodes if node is not None and isinstance(node.content, Entries) else {}


def _construct_path(metadata: Node | None) -> str:
    if metadata is not None and isinstance(metadata.content, Entries):
        path = metadata.content.nodes.get("aws:cdk:path")
        if path is not None and isinstance(path.content, str):
            return path.content
    return ""


def _waivers(metadata: Node | None) -> tuple[Waiver, ...]:
    """Read `Metadata: {mlguard: {ignore: [{policy: id, reason: text, until: date}]}}`."""
    own = metadata.content.nodes.get("mlguard") if metadata and isinstance(metadata.content, Entries) else None
    listed = own.content.nodes.get("ignore") if own is not None and isinstance(own.content, Entries) else None
    if listed is None or not isinstance(listed.content, Items):
        return ()
    waivers = []
    for node in listed.content.nodes:
        if isinstance(node.content, Entries):
            fields = {key: value.content for key, value in node.content.nodes.items()}
            policies = fields.get("policy")
            names = policies.replace(",", " ").split() if isinstance(policies, str) else []
            reason, until = fields.get("reason"), fields.get("until")
            waivers.append(Waiver(tuple(names), _text(reason), _text(until), node.span.first_line()))
    return tuple(waivers)


def _text(content: object) -> str:
    return content if isinstance(content, str) else ""
