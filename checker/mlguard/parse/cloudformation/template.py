"""A CloudFormation template, and the local nested ones that it deploys, to raw resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlguard.errors import LimitError, MlguardError, ParseError
from mlguard.parse.cloudformation.conditions import Conditions
from mlguard.parse.cloudformation.definitions import with_parsed_texts
from mlguard.parse.cloudformation.evaluator import Depth, Evaluator
from mlguard.parse.cloudformation.inner_stacks import InnerStack, describe, inline_template, is_inner_stack, joined_tags
from mlguard.parse.cloudformation.intrinsics import FUNCTIONS
from mlguard.parse.cloudformation.local_files import with_definition
from mlguard.parse.cloudformation.mentions import mentioned
from mlguard.parse.cloudformation.metadata import construct_path, waivers
from mlguard.parse.cloudformation.parameters import Declared, declare
from mlguard.parse.cloudformation.rules import Rules, closed_by_rules
from mlguard.parse.cloudformation.sam import TRANSFORM, with_globals
from mlguard.parse.cloudformation.sniff import is_template
from mlguard.parse.cloudformation.unrolling import Unrolled, unroll
from mlguard.parse.markup import load_markup
from mlguard.record import field, record, replace
from mlguard.resource import Gap, RawResource, always
from mlguard.scenario import Memory, Scenario
from mlguard.source import Document, Root, Span
from mlguard.value import Choice, Entries, Items, Node, Parameter, Unknown

_MAX_NESTING = 10
_MAX_NESTED = 100
_MAX_RESOURCES = 5_000  # ten times what CloudFormation takes in one template; as many as of Terraform
_HARMLESS_TRANSFORMS = (TRANSFORM, "AWS::LanguageExtensions", "AWS::SecretsManager-", "AWS::CodeDeployBlueGreen")
_MODULE = "::MODULE"


@record(frozen=False)
class Surroundings:
    """What every template of one project shares.

    `locate` gives the path, relative to the root, of the template that a nested stack names, None when it is not a
    local file. `exports` gives the node of a value that another stack exports; `prepare` changes a nested template
    before it is read. `account`, `stack` and `tags` are the account, the name and the tags of the outermost stack, as
    far as somebody said. `secrets` are the places of values that are not to be shown.
    """

    root: Root | None
    region: str
    wanted: Callable[[str], bool]
    locate: Callable[[str, str, Node], str | None]
    memory: Memory = field(default_factory=Memory)
    level: Depth = field(default_factory=Depth)
    documents: dict[str, Document] = field(default_factory=dict)
    problems: list[MlguardError] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    exports: Callable[[str], Node | None] = lambda _name: None
    account: str = ""
    stack: str = ""
    tags: Node | None = None
    secrets: list[Span] = field(default_factory=list)
    nested: int = 0
    resources: int = 0
    prepare: Callable[[Node], Node] = lambda node: node


@record(frozen=False)
class Template:
    """One template in its place: a stack of its own, or nested in another.

    `tags` reach it from the stacks around it. `regions` are those of a stack set, empty when they are not known, and
    None where it is deployed beside its parent.
    """

    node: Node
    path: str
    around: Surroundings
    prefix: str = ""
    given: Mapping[str, Node] = field(default_factory=dict)
    depth: int = 0
    chain: tuple[str, ...] = ()
    stack_condition: Callable[[Scenario], bool] | None = None
    tags: Node | None = None
    regions: tuple[str, ...] | None = None
    _nested: dict[str, Template | None] = field(default_factory=dict)
    _evaluator: Evaluator | None = None
    _declared: dict[str, Declared] | None = None
    _unrolled: Unrolled | None = None

    @property
    def unrolled(self) -> Unrolled:
        """The sections with their loops written out."""
        if self._unrolled is None:
            content = self.node.content
            sections = content.nodes if isinstance(content, Entries) else {}
            self._unrolled = unroll(sections, lambda: self._evaluator_of(sections))
        return self._unrolled

    def __post_init__(self) -> None:
        """Write the globals of a SAM template into its resources."""
        self.node = with_globals(self.node)

    def section(self, name: str) -> Node | None:
        """Give a top-level section when it is there, its loops written out."""
        return self.unrolled.sections.get(name)

    @property
    def entries(self) -> Mapping[str, Node]:
        """The `Resources` section."""
        section = self.section("Resources")
        return section.content.nodes if section is not None and isinstance(section.content, Entries) else {}

    @property
    def declared(self) -> dict[str, Declared]:
        """The `Parameters` section."""
        if self._declared is None:
            content = self.node.content
            sections = content.nodes if isinstance(content, Entries) else {}
            declared = declare(sections.get("Parameters"), self.given, self.prefix)
            self._declared = closed_by_rules(sections.get("Rules"), declared)
            self.around.secrets.extend(span for one in declared.values() for span in one.secret_spans())
        return self._declared

    @property
    def evaluator(self) -> Evaluator:
        """The meaning of the template's expressions."""
        if self._evaluator is None:
            self._evaluator = self._evaluator_of(self.unrolled.sections)
        return self._evaluator

    def _evaluator_of(self, sections: Mapping[str, Node]) -> Evaluator:
        resources = sections.get("Resources")
        names = resources.content.nodes if resources is not None and isinstance(resources.content, Entries) else {}
        constants = mentioned(sections)
        return Evaluator(
            functions=FUNCTIONS,
            parameters=self.declared,
            mappings=sections.get("Mappings"),
            conditions=Conditions(sections.get("Conditions"), self.prefix, self.around.memory, constants),
            rules=Rules(sections.get("Rules"), self.prefix, self.declared, constants),
            mentioned=constants,
            resources=frozenset(names),
            region=self._only_region,
            account=self.around.account,
            stack="" if self.prefix else self.around.stack,
            prefix=self.prefix,
            memory=self.around.memory,
            outputs=self._output,
            exports=self.around.exports,
            depth=self.around.level,
        )

    @property
    def _only_region(self) -> str:
        """The region when there is one that is known: each of several is a scenario."""
        if self.regions is None:
            return self.around.region
        return self.regions[0] if len(self.regions) == 1 else ""

    def parameters(self) -> tuple[Parameter, ...]:
        """Give the parameters that a deployment may choose."""
        return tuple(declared.parameter for declared in self.declared.values() if declared.given is None)

    def resources(self) -> list[RawResource]:
        """Give the resources of this template and of its local nested ones, as written."""
        self._note_macros()
        self._note_rules()
        self.around.gaps.extend(self.unrolled.gaps)
        found: list[RawResource] = []
        for name, node in self.entries.items():
            kind = self._type_of(name, node)
            if not kind:
                continue
            if is_inner_stack(kind):
                nested = self.nested(name)
                if nested is not None:
                    found.extend(nested.resources())
            if self.around.wanted(kind) and self._has_room(node.key_span or node.span):
                found.append(self._resource(name, kind, node))
        return found

    def _has_room(self, at: Span) -> bool:
        """Count one more resource; a problem says so once when there are too many."""
        self.around.resources += 1
        if self.around.resources == _MAX_RESOURCES + 1:
            message = f"more than {_MAX_RESOURCES:,} resources in one project: those beyond are not judged"
            self.around.problems.append(LimitError(message, at.path, at.line, at.column))
        return self.around.resources <= _MAX_RESOURCES

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
            self._gap(at, f"{name} adds resources at deployment")
            return ""
        fields = content.nodes if isinstance(content, Entries) else {}
        kind = fields.get("Type")
        if kind is None and "Fn::Transform" in fields:
            self._gap(at, f'a macro makes the resource "{name}" at deployment')
            return ""
        if kind is None:
            self._problem(f'the resource "{name}" has no Type', at)
            return ""
        if not isinstance(kind.content, str):
            self._gap(at, f'the type of "{name}" is chosen at deployment')
            return ""
        if kind.content.endswith(_MODULE):
            self._gap(at, f'the module {kind.content} of "{name}" adds resources at deployment')
            return ""
        return kind.content

    def _problem(self, message: str, at: Span) -> None:
        self.around.problems.append(ParseError(message, at.path, at.line, at.column))

    def _note_rules(self) -> None:
        evaluator = self.evaluator
        at = evaluator.rules.span
        if at is not None and not evaluator.rules.satisfiable(evaluator.compared):
            what = "no values of the parameters satisfy the Rules of this template: it is judged without them"
            self.around.notes.append(f"{at.path}:{at.line}: {what}")

    def _note_macros(self) -> None:
        for section in (self.section("Transform"), self.section("Fn::Transform")):
            nodes = section.content.nodes if section and isinstance(section.content, Items) else (section,)
            for node in nodes:
                self._note_macro(node, section.key_span if section else None)

    def _note_macro(self, node: Node | None, at: Span | None) -> None:
        if node is None:
            return
        named = node.content.nodes.get("Name") if isinstance(node.content, Entries) else node
        name = named.content if named is not None and isinstance(named.content, str) else "of an unknown name"
        if not name.startswith(_HARMLESS_TRANSFORMS):
            self.around.gaps.append(Gap(at or node.span, f"the macro {name} may add resources at deployment"))

    def _resource(self, name: str, kind: str, node: Node) -> RawResource:
        fields = node.content.nodes if isinstance(node.content, Entries) else {}
        at = node.key_span or node.span
        body = fields.get("Properties") or Node(Entries({}), at, at)
        if not isinstance(body.content, Entries) and body.content is not None:
            self._problem(f'the Properties of "{name}" are not a mapping', body.key_span or at)
            body = Node(Unknown("its Properties are not a mapping"), at, at)
        if "Fn::Transform" in fields and isinstance(body.content, Entries):
            macro = Unknown("a macro (Fn::Transform) adds to this at deployment")
            body = replace(body, content=Entries(body.content.nodes, macro))
        body = with_parsed_texts(kind, with_definition(kind, body, self._beside), self.around.documents)
        policy = fields.get("DeletionPolicy")
        return RawResource(
            format="cloudformation",
            type=kind,
            address=f"{self.prefix}{name}",
            body=self.evaluator.wrap(body),
            span=node.span,
            name_span=at,
            region=Node(Choice(self._region), at),
            exists=self._existence(fields.get("Condition"), self.unrolled.only_if.get(name)),
            tags_below=joined_tags(self.around.tags, self.tags),
            construct=construct_path(fields.get("Metadata")),
            waivers=waivers(fields.get("Metadata")),
            removal=self.evaluator.wrap(policy) if policy is not None else None,
        )

    def _region(self, scenario: Scenario) -> Node:
        at = self.node.span
        region = self.evaluator.region_in(scenario)
        return Node(region, Span(at.path, at.line, at.column, at.line, at.column))

    def _existence(self, condition: Node | None, made: Callable[[Scenario], bool] | None) -> Callable[[Scenario], bool]:
        """Give what tells whether a resource is there: its stack, the loop that makes it, its own condition."""
        own = condition.content if condition is not None else None
        evaluator = self.evaluator
        held = (lambda scenario: evaluator.condition(own, scenario)) if isinstance(own, str) else None
        parts = [part for part in (self.stack_condition, made, held) if part is not None]
        if len(parts) <= 1:
            return parts[0] if parts else always
        return lambda scenario: all(part(scenario) for part in parts)

    def _beside(self, name: str) -> Node | None:
        """Read a file that the template names: it is found beside the template."""
        root = self.around.root
        path = root.resolve(self.path.rpartition("/")[0], name) if root is not None else None
        if root is None or path is None or not root.is_file(path):
            return None
        return next(iter(self._read(root, path)), None)

    def _read(self, root: Root, path: str) -> list[Node]:
        document = self.around.documents.get(path) or root.read(path)
        self.around.documents[path] = document
        return load_markup(document)

    def _open_nested(self, name: str) -> Template | None:
        node = self.entries[name]
        fields = _below(node)
        kind = _below(node)["Type"].content
        inner = describe(str(kind), _below(fields.get("Properties")), self.evaluator.wrap)
        found = self._template_of(name, node, inner)
        if found is None:
            return None
        existence = self._existence(fields.get("Condition"), self.unrolled.only_if.get(name))
        return Template(
            found[0],
            found[1],
            self.around,
            f"{self.prefix}{name}/",
            inner.parameters,
            self.depth + 1,
            (*self.chain, self.path),
            _in_regions(existence, inner.regions),
            joined_tags(self.tags, inner.tags),
            inner.regions if inner.regions is not None else self.regions,
        )

    def _template_of(self, name: str, node: Node, inner: InnerStack) -> tuple[Node, str] | None:
        """Give the template that a resource deploys, and its file; None where it cannot be read, and why is noted."""
        at = node.key_span or node.span
        called = f'the {inner.called} "{name}"'
        if self.depth >= _MAX_NESTING:
            self._gap(at, f"{called} is nested deeper than {_MAX_NESTING} levels")
            return None
        path = self.around.locate(self.path, name, node)
        if path is not None and path in (self.path, *self.chain):
            self._gap(at, f"{called} nests its own template")
            return None
        if (path is not None or inner.body is not None) and not self._counted(at):
            path, inner = None, replace(inner, body=None)
        root = self.around.root
        if inner.body is None and (path is None or root is None):
            self._gap(at, f"{called} has its template {inner.elsewhere}")
            return None
        try:
            if path is not None and root is not None:
                read = [self.around.prepare(document) for document in self._read(root, path)]
                return self._first(read, path, at, called)
            return self._inline(inner.body or node, at, called)
        except MlguardError as error:
            self.around.problems.append(error)
            return None

    def _inline(self, body: Node, at: Span, called: str) -> tuple[Node, str] | None:
        read = inline_template(body, self.evaluator.wrap, self.around.documents.get(body.span.path))
        if isinstance(read, Unknown):
            self._gap(at, f"{called} has a template that only the deployment knows: {read.because}")
            return None
        return self._first(read, self.path, at, called)

    def _first(self, documents: list[Node], path: str, at: Span, called: str) -> tuple[Node, str] | None:
        found = next((document for document in documents if is_template(document)), None)
        if found is None:
            self._gap(at, f"{called} deploys what is no template")
        return (found, path) if found is not None else None

    def _counted(self, at: Span) -> bool:
        """Count one more nested template; a problem says so once when there are too many."""
        self.around.nested += 1
        if self.around.nested == _MAX_NESTED + 1:
            message = f"more than {_MAX_NESTED} nested stacks: those beyond are not read"
            self.around.problems.append(LimitError(message, at.path, at.line, at.column))
        return self.around.nested <= _MAX_NESTED

    def _gap(self, at: Span, what: str) -> None:
        self.around.gaps.append(Gap(at, what))

    def _output(self, resource: str, output: str) -> Node | None:
        nested = self.nested(resource) if self._is_nested(resource) else None
        return nested.output(output) if nested is not None else None

    def output(self, name: str) -> Node | None:
        """Give the node of an output's value when the template declares it; unknown where its condition is false."""
        declared = _below(self.section("Outputs")).get(name)
        fields = _below(declared)
        value = fields.get("Value")
        if value is None:
            return None
        condition = fields.get("Condition")
        evaluator = self.evaluator
        if condition is None or not isinstance(condition.content, str):
            return evaluator.wrap(value)
        own = condition.content

        def choose(scenario: Scenario) -> Node:
            if evaluator.condition(own, scenario):
                return evaluator.wrap(value)
            return Node(Unknown(f'the output "{name}" is not there where "{own}" is false'), value.span)

        return Node(Choice(choose), value.span)

    def _is_nested(self, resource: str) -> bool:
        node = self.entries.get(resource)
        kind = node.content.nodes.get("Type") if node is not None and isinstance(node.content, Entries) else None
        return kind is not None and isinstance(kind.content, str) and is_inner_stack(kind.content)


def _in_regions(exists: Callable[[Scenario], bool], regions: tuple[str, ...] | None) -> Callable[[Scenario], bool]:
    """Explore each region of a stack set before anything in it is looked at."""
    if regions is None or len(regions) < 2:  # noqa: PLR2004  (one region is no choice)
        return exists

    def there(scenario: Scenario) -> bool:
        scenario.decide("AWS::Region", regions)
        return exists(scenario)

    return there


def _below(node: Node | None) -> Mapping[str, Node]:
    return node.content.nodes if node is not None and isinstance(node.content, Entries) else {}
