"""Terraform and OpenTofu plans (`terraform show -json`) to raw projects.

The plan says what will be there, with every value that is known before it is applied. The configuration, where it is
at hand, says where each value was written, and what the unknown ones refer to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlguard.errors import LimitError, MlguardError, ParseError
from mlguard.parse.terraform.assignments import Variables
from mlguard.parse.terraform.plan.document import Plan, Planned, read_plan
from mlguard.parse.terraform.plan.located import disagreement, located, moved
from mlguard.parse.terraform.plan.providers import Providers
from mlguard.parse.terraform.plan.references import Configured
from mlguard.parse.terraform.plan.source import Match, Written, find_source
from mlguard.parse.terraform.plan.values import Values
from mlguard.parse.terraform.project import load_root
from mlguard.record import field, record, replace
from mlguard.resource import Gap, RawProject, RawResource
from mlguard.scenario import Scenario
from mlguard.source import Document, Root
from mlguard.value import Choice, Entries, Node, Reference, Unknown, references_in, settle, text_of

MAX_NAMED_BYTES = 50_000_000
_BINARY = b"PK\x03\x04"
_MAX_LINE = 1_000  # a longer one holds values of several resources, some of them sensitive
_ENVIRONMENT_NAMES = ("environment", "env", "stage")
_NO_REGION = Unknown("the plan does not tell the region of the provider")
Wanted = Callable[[str], bool]


@record(frozen=False)
class Plans:
    """The projects of several plans, the roots that they stand for, and the files that turned out to be no plans."""

    projects: list[RawProject] = field(default_factory=list)
    roots: set[str] = field(default_factory=set)
    problems: list[MlguardError] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def load_plans(
    root: Root,
    named: Sequence[str],
    found: Sequence[str],
    folders: Sequence[str],
    wanted: Wanted,
    region: Callable[[str], str] = lambda _path: "",
) -> Plans:
    """Read plans; `named` are those that the user called plans, `found` those that look like it.

    `folders` are scanned folders with Terraform files, in which the configuration of a plan may be. `region` gives by
    the path of a plan the region that holds where no provider says one.
    """
    plans = Plans()
    for path in dict.fromkeys([*named, *found]):
        try:
            document = _named(root, path) if path in named else _found(root, path)
            plan = read_plan(document, wanted, named=path in named)
        except MlguardError as error:
            plans.problems.append(error)
            continue
        if plan is None:
            plans.others.append(path)
            continue
        plans.projects.append(_Builder(root, plan, wanted, region(path)).build(folders, plans.roots))
    return plans


def _named(root: Root, path: str) -> Document:
    """Read the text of a plan that the user named; it may lie outside of the root."""
    inside, name = (root, path)
    if path.startswith("../"):
        folder, _, name = path.rpartition("/")
        inside = Root(root.folder / folder)
    try:
        if inside.read_start(name, len(_BINARY)) == _BINARY:
            what = f"a binary plan: run `terraform show -json {name} > plan.json` and give plan.json"
            raise ParseError(what, name)
        return Document(path, inside.read(name, MAX_NAMED_BYTES).text)
    except MlguardError as error:
        error.path = path
        raise


def _found(root: Root, path: str) -> Document:
    """Read the text of a file that looks like a plan."""
    try:
        return root.read(path)
    except LimitError as error:
        raise LimitError(
            f"{error.message}; of a plan named with --plan {MAX_NAMED_BYTES:,} bytes are read", path
        ) from None


class _Builder:
    """Builds the project of one plan."""

    def __init__(self, root: Root, plan: Plan, wanted: Wanted, region: str) -> None:
        self._root = root
        self._plan = plan
        self._wanted = wanted
        self._region = region
        self._configured = Configured(plan)
        self._providers = Providers(plan, self._configured)
        self._written: Written | None = None
        self._differs = ""

    def build(self, folders: Sequence[str], roots: set[str]) -> RawProject:
        """Give the project; adds the root that it stands for to `roots`."""
        path = self._plan.document.path
        match, remark = self._find(folders)
        resources = tuple(self._resource(planned) for planned in self._plan.resources)
        notes = [f"{path}: this plan {remark}"] if remark else []
        reason = self._why_not(match)
        if match is not None:
            of = f"the configuration in {match.folder or '.'}"
            also = f"{path}: this plan does not stand for {of}, which is judged too: {reason}"
            notes.append(also if reason else f"{path}: this plan stands for {of}")
        if match is not None and not reason:
            roots.add(match.folder)
        source = self._written.project if self._written is not None else None
        documents = dict(source.documents) if source is not None else {}
        if not any(len(line) > _MAX_LINE for line in self._plan.document.text.splitlines()):
            documents[path] = self._plan.document
        return RawProject(
            dialect="terraform",
            path=source.path if source is not None else path,
            resources=resources,
            documents=documents,
            gaps=tuple(Gap(at, what) for at, what in self._plan.incomplete),
            names=(*self._environments(), *(source.names if source is not None else _words(path))),
            problems=(*self._plan.problems, *(source.problems if source is not None and not reason else ())),
            notes=(*notes, *(f"{path}: {what}" for _, what in self._plan.incomplete if match is None)),
            files=tuple(sorted({path, *(source.documents if source is not None else ())})),
        )

    def _why_not(self, match: Match | None) -> str:
        """Say why the plan does not tell all that the configuration would; empty when it does."""
        if match is not None and not match.exact:
            return "other resources are declared there"
        incomplete = next((what for _, what in self._plan.incomplete), "")
        return self._differs or incomplete or ("" if self._plan.resources else "nothing is planned")

    def _find(self, folders: Sequence[str]) -> tuple[Match | None, str]:
        declared, told = self._configured.declared()
        if not told:
            declared = frozenset(("resource", one.type, one.own.name) for one in self._plan.resources if not one.module)
        match, remark = find_source(self._root, self._plan.document.path, declared, folders)
        if match is not None:
            variables = Variables(planned=self._configured.root_variables())
            project, modules = load_root(self._root, match.folder, self._wanted, variables, self._region)
            self._written = Written(project, modules, match.folder)
            match = replace(match, exact=match.exact and told)
        return match, remark

    def _environments(self) -> list[str]:
        """Give what the variables that name an environment are set to: the most telling names of all."""
        variables = self._configured.root_variables()
        found = (text_of(variables[name].content) for name in _ENVIRONMENT_NAMES if name in variables)
        return [name for name in found if name]

    def _resource(self, planned: Planned) -> RawResource:
        written = self._written.resource(planned) if self._written is not None else None
        body = Values(planned, self._configured, sourced=written is not None).body()
        refers_to = self._configured.refers_to(planned)
        at = planned.at.place
        made = RawResource(
            format="terraform",
            type=planned.type,
            address=planned.address,
            body=body,
            span=body.span,
            name_span=at,
            region=self._known_region(planned),
            tags_below=self._providers.default_tags(planned),
            refers_to=refers_to,
        )
        if written is not None:
            return self._at_source(made, written)
        header = self._written.nearest(planned) if self._written is not None else None
        return made if header is None else replace(made, body=moved(body, header), span=header, name_span=header)

    def _at_source(self, made: RawResource, written: RawResource) -> RawResource:
        """Place a planned resource where it is written."""
        differs = disagreement(made.body, written.body)
        if differs and not self._differs:
            self._differs = f"{differs} of {made.address} has another value there"
        named = dict.fromkeys([*made.refers_to, *references_in(written.body, Scenario())])
        return replace(
            made,
            body=located(made.body, written.body),
            span=written.span,
            name_span=written.name_span,
            region=_region_at(made.region, written.region),
            tags_below=written.tags_below if _hides(made.tags_below) else made.tags_below,
            source=written.source,
            construct=written.construct,
            related=written.related,
            removal=written.removal,
            refers_to=tuple(reference for reference in named if isinstance(reference, Reference)),
        )

    def _known_region(self, planned: Planned) -> Node:
        found = self._providers.region(planned)
        if found is not None and text_of(found.content):
            return found
        at = planned.at
        return Node(self._region or _NO_REGION, at.span, at.key_span)


def _hides(tags: Node | None) -> bool:
    return tags is None or not isinstance(tags.content, Entries)


def _region_at(planned: Node, written: Node) -> Node:
    """Give the planned region where it is written; the written one where the plan does not tell it."""

    def choose(scenario: Scenario) -> Node:
        there = settle(written, scenario)
        return there if isinstance(planned.content, Unknown) else replace(there, content=planned.content)

    return Node(Choice(choose), written.span, written.key_span)


def _words(path: str) -> tuple[str, ...]:
    return tuple(part for part in reversed(path.removesuffix(".json").split("/")) if part not in ("", ".."))
