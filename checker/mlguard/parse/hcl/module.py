"""A Terraform module in its place: its blocks, and the meaning of the names that its expressions use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from mlguard.errors import MlguardError
from mlguard.parse.hcl.blocks import Block, HclText, label_of
from mlguard.parse.hcl.conversion import CannotKnowError, InvalidError
from mlguard.parse.hcl.evaluate import Frame, Steps, evaluate, evaluate_attribute
from mlguard.parse.hcl.files import read_for
from mlguard.parse.hcl.syntax import Syntax, parse_part
from mlguard.parse.hcl.variables import Given, Variable, read_variable
from mlguard.resource import Gap, Related, always
from mlguard.scenario import Memory, Scenario
from mlguard.source import Document, Root, Span
from mlguard.value import Choice, Node, Origin, Reference, Unknown, settle, text_of

_FILE_FUNCTIONS = frozenset(("file", "filebase64", "templatefile", "fileexists", "fileset", "filesha256", "filemd5"))
_META = frozenset(("source", "version", "providers", "count", "for_each", "depends_on"))
MAX_MODULE_DEPTH = 20
MAX_STEPS = 100_000
_MANAGED = re.compile(r"[a-z][a-z0-9]*_[a-z0-9_]+\Z")


@dataclass(slots=True, eq=False)
class Shared:
    """What all modules of one root share. `folder` is the root module's, relative to the scanned root."""

    root: Root
    folder: str
    wanted: Callable[[str], bool]
    given: Mapping[str, Given]
    region: str
    read: Callable[[str], list[HclText]]
    installed: Callable[[str], str | None]
    memory: Memory = field(default_factory=Memory)
    documents: dict[str, Document] = field(default_factory=dict)
    problems: list[MlguardError] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    visited: set[tuple[str, str, str]] = field(default_factory=set)
    modules: int = 0
    steps: int = 0
    attribute_steps: int = 0
    active: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """A block with the text that it stands in."""

    block: Block
    hcl: HclText

    @property
    def header(self) -> Span:
        """The place of the block's type and labels."""
        text = self.hcl.document.text
        end = self.block.start + len(text[self.block.start : self.block.header_end].rstrip())
        return self.hcl.document.span(self.block.start, end)

    @property
    def span(self) -> Span:
        """The place of the whole block."""
        return self.hcl.document.span(self.block.start, self.block.end)


class Module:
    """One module as one call instantiates it; the root module has no call.

    `prefix` is what its addresses begin with, `inputs` are the caller's arguments, `local` holds `each` and `count`
    of the call.
    """

    def __init__(
        self,
        shared: Shared,
        folder: str,
        prefix: str = "",
        inputs: Mapping[str, Node] | None = None,
        calls: tuple[Related, ...] = (),
        providers: Mapping[str, tuple[Module, str]] | None = None,
    ) -> None:
        self.shared = shared
        self.folder = folder
        self.prefix = prefix
        self.inputs = inputs
        self.calls = calls
        self.providers = providers or {}
        self._blocks: dict[tuple[str, str, str], list[Located]] = {}
        self._bodies: dict[int, Syntax | None] = {}
        self._locals: dict[str, tuple[Syntax, Document]] | None = None
        self._variables: dict[str, Variable] = {}
        self._children: dict[str, dict[str, Module] | Unknown] = {}
        self.exists: Callable[[Scenario], bool | Unknown] = always
        self._read()

    def _read(self) -> None:
        for hcl in self.shared.read(self.folder):
            path = hcl.document.path
            if path not in self.shared.documents:
                self.shared.documents[path] = hcl.document
                self.shared.problems.extend(hcl.problems)
            for block in hcl.blocks:
                key = (block.type, label_of(block, 0), label_of(block, 1))
                self._blocks.setdefault(key, []).append(Located(block, hcl))

    def blocks(self, kind: str) -> list[Located]:
        """Give the blocks of a type, in the order of the files."""
        return [one for key, listed in self._blocks.items() if key[0] == kind for one in listed]

    def body(self, located: Located) -> Syntax | None:
        """Parse a block when it is first needed; one that cannot be parsed becomes a problem once."""
        key = id(located.block)
        if key not in self._bodies:
            block, hcl = located.block, located.hcl
            try:
                parsed = parse_part(hcl.document, hcl.normal[block.start : block.end], block.start)
                self._bodies[key] = parsed.parts[0].parts[2] if parsed.parts else None
            except MlguardError as error:
                self._bodies[key] = None
                if (error.path, error.line) not in {(one.path, one.line) for one in self.shared.problems}:
                    self.shared.problems.append(error)
        return self._bodies[key]

    def attributes(self, located: Located) -> dict[str, Syntax]:
        """Give the attributes of a block by name."""
        body = self.body(located)
        return {part.parts[0]: part for part in body.parts if part.kind == "attribute"} if body is not None else {}

    def frame(self, document: Document, scenario: Scenario, local: Mapping[str, Node] | None = None) -> Frame:
        """Give the frame in which expressions of this module are evaluated."""
        return Frame(self, document, local or {}, scenario, Span(document.path, 1, 1, 1, 1))

    def value(self, attribute: Syntax, frame: Frame) -> Node:
        """Evaluate an attribute, with the places of its name and its value."""
        if not self.shared.active:
            self.shared.attribute_steps = 0
        self.shared.active += 1
        try:
            return evaluate_attribute(attribute.parts[1], frame, frame.place(attribute.parts[2]))
        finally:
            self.shared.active -= 1

    def spend(self) -> None:
        """Count one step of evaluation; what an author wrote needs few, what an attacker wrote never ends."""
        self.shared.steps += 1
        self.shared.attribute_steps += 1
        if self.shared.attribute_steps > MAX_STEPS or self.shared.steps > MAX_STEPS * 20:
            raise CannotKnowError(Unknown(f"it takes more than {MAX_STEPS:,} steps to evaluate"))

    def lookup(self, root: str, steps: Steps, frame: Frame) -> tuple[Node, int] | None:
        """Give the value of the head of a traversal and how many steps it used."""
        first = steps[0] if steps and isinstance(steps[0], str) else ""
        if root == "var":
            return self.variable(first, frame), 1
        if root == "local":
            return self.local(first, frame), 1
        if root == "module":
            return self._output(first, steps, frame)
        if root == "data":
            return self._data(steps, frame)
        if root == "path":
            return Node(self._path(first), frame.at), 1
        if root == "terraform":
            return Node(Unknown("terraform.workspace is chosen at deployment"), frame.at), 1
        if root in ("each", "count", "self", "ephemeral"):
            raise CannotKnowError(Unknown(f"{root}.{first} is known after deployment"))
        if _MANAGED.match(root) and first:
            return self._resource(root, first, steps, frame)
        return None

    def _path(self, which: str) -> str:
        if which != "module":
            return "."
        own = self.folder.split("/") if self.folder else []
        base = self.shared.folder.split("/") if self.shared.folder else []
        while own and base and own[0] == base[0]:
            own, base = own[1:], base[1:]
        return "/".join([".."] * len(base) + own) or "."

    def variable(self, name: str, frame: Frame) -> Node:
        """Give the value of a variable: the caller's argument or the user's, its closed domain, its default."""
        variable = self.declared(name)
        if variable is None:
            raise InvalidError(f"there is no variable {name}")
        if self.inputs is not None:
            if name in self.inputs:
                given = settle(self.inputs[name], frame.scenario)
                if given.content is not None or not variable.has_default:
                    return self._typed(variable, given, frame)
            return self._typed(variable, variable.fallback(frame.at), frame, default=True)
        given_value = self.shared.given.get(name)
        if given_value is not None:
            node = given_value.node
            origin = Origin(node.span, given_value.what, variable.parameter)
            return self._typed(variable, Node(node.content, frame.at, None, (origin,)), frame)
        if variable.allowed:
            chosen = frame.scenario.decide(f"var.{name}", variable.options())
            return Node(variable.typed(chosen), frame.at, None, (variable.origin_of(chosen),))
        return self._typed(variable, variable.fallback(frame.at), frame, default=True)

    def _typed(self, variable: Variable, node: Node, frame: Frame, *, default: bool = False) -> Node:
        if default and variable.default is not None:
            inner = replace(frame, document=variable.document, local={})
            value = evaluate(variable.default, inner)
            own = self.inputs is None
            origin = Origin(
                variable.document.span(variable.default.start, variable.default.end),
                f'default of variable "{variable.name}"',
                variable.parameter if own else None,
            )
            node = Node(value.content, frame.at, None, (origin,))
        return variable.converted(node, frame.scenario)

    def declared(self, name: str) -> Variable | None:
        """Give the declaration of a variable."""
        if name not in self._variables:
            found = self._blocks.get(("variable", name, ""))
            if not found:
                return None
            self._variables[name] = read_variable(name, found[-1].header, found[-1].hcl.document, self.body(found[-1]))
        return self._variables[name]

    def local(self, name: str, frame: Frame) -> Node:
        """Give the value of a local."""
        if self._locals is None:
            self._locals = {
                attribute: (syntax, located.hcl.document)
                for located in self.blocks("locals")
                for attribute, syntax in self.attributes(located).items()
            }
        if name not in self._locals:
            raise InvalidError(f"there is no local {name}")
        syntax, document = self._locals[name]
        key = (self.prefix, "local", name)
        if key in self.shared.visited:
            raise CannotKnowError(Unknown(f"local.{name} refers to itself"))

        def compute(scenario: Scenario) -> Node | CannotKnowError:
            self.shared.visited.add(key)
            try:
                inner = replace(frame, document=document, local={}, scenario=scenario)
                return evaluate(syntax.parts[1], replace(inner, at=inner.place(syntax.parts[1])))
            except CannotKnowError as error:
                return error
            finally:
                self.shared.visited.discard(key)

        node = self.shared.memory.recall(key, frame.scenario, compute)
        if isinstance(node, CannotKnowError):
            raise node
        settled = settle(node, frame.scenario)
        origin = Origin(document.span(syntax.start, syntax.end), f"local.{name}")
        return replace(settled, key_span=None, origins=(*settled.origins, origin))

    def _resource(self, kind: str, name: str, steps: Steps, frame: Frame) -> tuple[Node, int]:
        address = f"{self.prefix}{kind}.{name}"
        located = self._blocks.get(("resource", kind, name))
        if not located:
            raise CannotKnowError(Unknown(f"{kind}.{name} is not in this module"))
        attributes = self.attributes(located[-1])
        if "count" not in attributes and "for_each" not in attributes:
            return Node(Reference(address), frame.at), 1
        if len(steps) > 1 and not isinstance(steps[1], str):
            try:
                key = settle(evaluate(steps[1], frame), frame.scenario).content
            except CannotKnowError:
                key = None
            if isinstance(key, str | int | float):
                return Node(Reference(f"{address}[{key_text(key)}]"), frame.at), 2
            return Node(Reference(f"{address}[?]"), frame.at), 2
        return Node(Reference(f"{address}[?]"), frame.at), 1

    def _data(self, steps: Steps, frame: Frame) -> tuple[Node, int]:
        names = [step for step in steps[:2] if isinstance(step, str)]
        what = ".".join(["data", *names])
        if names[:1] == ["aws_region"] and len(steps) > 2 and steps[2] in ("name", "id", "region"):  # noqa: PLR2004
            return self.region(None, frame), 3
        raise CannotKnowError(Unknown(f"{what} is read at deployment"))

    def region(self, provider: str | None, frame: Frame) -> Node:
        """Give the region of a provider of this module: of an alias, or of the default `aws` one."""
        if self.inputs is not None:
            wanted = provider or "aws"
            if wanted in self.providers:
                module, outer = self.providers[wanted]
                return module.region(outer if outer != "aws" else None, frame)
            own = self._provider(provider)
            if own is None and self._parent is not None:
                return self._parent.region(provider, frame)
        located = self._provider(provider)
        attribute = self.attributes(located).get("region") if located is not None else None
        if attribute is None or located is None:
            if self.shared.region:
                return Node(self.shared.region, frame.at)
            return Node(Unknown("no provider region is given: set it in the code or give --region"), frame.at)
        document = located.hcl.document
        node = evaluate_attribute(attribute.parts[1], self.frame(document, frame.scenario), None)
        return Node(node.content, node.span, None, node.origins)

    _parent: Module | None = None

    def default_tags(self, provider: str | None, scenario: Scenario) -> Node | None:
        """Give the `default_tags` of a provider of this module."""
        if self.inputs is not None and (provider or "aws") in self.providers:
            module, outer = self.providers[provider or "aws"]
            return module.default_tags(outer if outer != "aws" else None, scenario)
        located = self._provider(provider)
        if located is None:
            return self._parent.default_tags(provider, scenario) if self._parent is not None else None
        body = self.body(located)
        for part in body.parts if body is not None else ():
            if part.kind == "block" and part.parts[0] == "default_tags":
                frame = self.frame(located.hcl.document, scenario)
                for attribute in part.parts[2].parts:
                    if attribute.kind == "attribute" and attribute.parts[0] == "tags":
                        return self.value(attribute, frame)
        return None

    def _provider(self, alias: str | None) -> Located | None:
        for located in self._blocks.get(("provider", "aws", ""), []):
            attribute = self.attributes(located).get("alias")
            named = "".join(part for part in attribute.parts[1].parts if isinstance(part, str)) if attribute else None
            if named == alias:
                return located
        return None

    def children(self, name: str) -> dict[str, Module] | Unknown:
        """Give the instances of a called module by key (empty for a single one); Unknown where it is not here."""
        if name not in self._children:
            self._children[name] = Unknown(f"module.{name} calls itself")
            self._children[name] = self._instantiate(name)
        return self._children[name]

    def _instantiate(self, name: str) -> dict[str, Module] | Unknown:
        from mlguard.parse.hcl.expand import existence, instances  # noqa: PLC0415  (expansion and modules need each other)

        located = self._blocks.get(("module", name, ""))
        if not located:
            return Unknown(f"there is no module {name}")
        header = located[-1].header
        attributes = self.attributes(located[-1])
        document = located[-1].hcl.document
        first = self.frame(document, Scenario())
        source = attributes.get("source")
        written = text_of(self.value(source, first).content) if source is not None else None
        folder = self._folder_of(name, written)
        depth = self.prefix.count("module.")
        if folder is None or depth >= MAX_MODULE_DEPTH or self.shared.modules > 1000:  # noqa: PLR2004
            what = f'module "{name}" from {written or "an unknown place"} is not here: run terraform init'
            self.shared.gaps.append(Gap(header, what))
            return Unknown(f"module.{name} is not here")
        made = {}
        for key, local in instances(self, attributes, document):
            self.shared.modules += 1
            suffix = f"[{key}]" if key else ""
            inputs = self._arguments(name, attributes, document, local)
            calls = (*self.calls, Related(header, "called here"))
            child = Module(
                self.shared, folder, f"{self.prefix}module.{name}{suffix}.", inputs, calls, self._passed(attributes)
            )
            child._parent = self
            child.exists = existence(self, attributes, document, key)
            made[key] = child
        return made

    def _folder_of(self, name: str, source: str | None) -> str | None:
        if source is not None and source.startswith(("./", "../")):
            folder = self.shared.root.resolve(self.folder, source)
        else:
            path = ".".join(
                part for part in re.sub(r"\[[^\]]*\]", "", self.prefix).replace("module.", "").split(".") if part
            )
            folder = self.shared.installed(f"{path}.{name}" if path else name)
        if folder is None or not self.shared.root.is_folder(folder) or folder == self.folder:
            return None
        return folder

    def _arguments(
        self, name: str, attributes: Mapping[str, Syntax], document: Document, local: Mapping[str, Node]
    ) -> dict[str, Node]:
        def argument(attribute: Syntax) -> Node:
            span = document.span(attribute.start, attribute.end)

            def choose(scenario: Scenario) -> Node:
                node = self.value(attribute, self.frame(document, scenario, local))
                origin = Origin(span, f'argument of module "{name}"')
                return Node(node.content, node.span, None, (*node.origins, origin))

            return Node(Choice(choose), span)

        return {key: argument(attribute) for key, attribute in attributes.items() if key not in _META}

    def _passed(self, attributes: Mapping[str, Syntax]) -> dict[str, tuple[Module, str]]:
        """Read `providers = { aws.x = aws.y }`."""
        passed = {}
        providers = attributes.get("providers")
        for entry in providers.parts[1].parts if providers is not None and providers.parts[1].kind == "object" else ():
            inner, outer = (provider_alias(part) for part in entry.parts)
            if inner is not None and outer is not None:
                passed[inner] = (self, outer)
        return passed

    def _output(self, name: str, steps: Steps, frame: Frame) -> tuple[Node, int]:
        found = self.children(name)
        if isinstance(found, Unknown):
            raise CannotKnowError(found)
        used, key = 1, ""
        if "" not in found:
            if len(steps) < 2 or isinstance(steps[1], str):  # noqa: PLR2004
                raise CannotKnowError(Unknown(f"all instances of module.{name}"))
            value = settle(evaluate(steps[1], frame), frame.scenario).content
            key = key_text(value) if isinstance(value, str | int | float) else "?"
            used = 2
        if key not in found:
            raise CannotKnowError(Unknown(f"the instances of module.{name} are known after deployment"))
        output = steps[used] if len(steps) > used else None
        if not isinstance(output, str):
            raise CannotKnowError(Unknown(f"all outputs of module.{name}"))
        return found[key].output(output, frame), used + 1

    def output(self, name: str, frame: Frame) -> Node:
        """Give the value of an output of this module."""
        located = self._blocks.get(("output", name, ""))
        value = self.attributes(located[-1]).get("value") if located else None
        if located is None or value is None:
            raise InvalidError(f"there is no output {name}")
        document = located[-1].hcl.document
        key = (self.prefix, "output", name)
        if key in self.shared.visited:
            raise CannotKnowError(Unknown(f"the output {name} refers to itself"))
        self.shared.visited.add(key)
        try:
            node = evaluate_attribute(value.parts[1], self.frame(document, frame.scenario), None)
        finally:
            self.shared.visited.discard(key)
        return Node(node.content, frame.at, None, (*node.origins, Origin(node.span, f'output "{name}"')))

    def heredoc(self, document: Document, offset: int) -> tuple[str, int, bool] | None:
        """Give the body of the heredoc that begins at an offset."""
        for hcl in self.shared.read(self.folder):
            if hcl.document is document:
                found = hcl.heredocs.get(offset)
                return None if found is None else (document.text[found.start : found.end], found.start, found.indented)
        return None

    def file_call(self, name: str, arguments: list[Node], frame: Frame) -> Node | None:
        """Read a file of the scanned folder for `file()` and its kin; outside of it everything is unknown."""
        if name not in _FILE_FUNCTIONS:
            return None
        return read_for(name, arguments, frame, self.shared.root, self.shared.folder)


def key_text(key: float | str) -> str:
    """Write an instance key as Terraform does: `0` or `"name"`."""
    if isinstance(key, str):
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(int(key))


def provider_alias(syntax: Syntax) -> str | None:
    """Read `aws` or `aws.alias`: the alias, `aws` for the default one, None for another provider."""
    if syntax.kind == "name":
        return "aws" if syntax.parts[0] == "aws" else None
    if syntax.kind == "attr" and syntax.parts[0].kind == "name" and syntax.parts[0].parts[0] == "aws":
        return str(syntax.parts[1])
    if syntax.kind == "index":
        return provider_alias(syntax.parts[0])
    return None
