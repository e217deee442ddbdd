"""Folders to projects: which folders are roots, and the resources of each with all modules that it calls."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from functools import cached_property

from mlguard.cache import Recall, anew
from mlguard.errors import LimitError, MlguardError
from mlguard.parse.terraform.assignments import Assignments, VariableFiles, Variables
from mlguard.parse.terraform.closure import Closure
from mlguard.parse.terraform.configuration import Configuration, code
from mlguard.parse.terraform.expand import Key, body, bound, removal, suffix
from mlguard.parse.terraform.instances import Existence, existing_keys
from mlguard.parse.terraform.modules import CreatedBy, Modules, unknown_source
from mlguard.parse.terraform.providers import default_tags, region_node
from mlguard.parse.terraform.references import Resolver
from mlguard.parse.terraform.roots import reach, roots_of
from mlguard.parse.terraform.scanner import ScannedBlock
from mlguard.parse.terraform.scope import Instance, Scope
from mlguard.parse.terraform.syntax import Block
from mlguard.parse.terraform.variables import RootVariables
from mlguard.parse.traces import Traces
from mlguard.record import replace
from mlguard.resource import Gap, RawProject, RawResource, Related
from mlguard.source import Document, Noted, Root

_MAX_RESOURCES = 5_000
_MAX_NAMED = 5
_MAX_KEPT = 256
_TELLING = re.compile(r"\b(?:instance_types?|node_type|machine_type)\b")  # a call that says so creates machines
Wanted = Callable[[str], bool]


def load(  # noqa: PLR0913, PLR0917  (where to look, what for, and what the user gives)
    root: Root,
    folders: Sequence[str],
    wanted: Wanted,
    variables: Variables | None = None,
    region: str | Callable[[str], str] = "",
    environments: Sequence[Variables] = (),
    planned: frozenset[str] = frozenset(),
    created_by: CreatedBy = unknown_source,
    about: Wanted | None = None,
) -> list[RawProject]:
    """Read every root among the folders as a project; never raises for what the files hold.

    `folders` are those that hold Terraform files, relative to the root. `wanted` tells whether a resource type
    matters: blocks of other types are indexed, not parsed. `region`, for all or by folder, holds where no provider
    says one. A root that `environments` concern is one project for each of those, any other one for `variables`.
    `planned` are the roots that a plan stands for: they are left out. `created_by` gives the types that the module of
    a source can create, for modules that are not here. A root without a resource type of those that the scan is
    `about` is not read any further; all that is wanted, by default.
    """
    opened = Folders(root, folders, wanted, created_by, about)
    region_of = region if callable(region) else lambda _folder: region
    made = [
        project
        for folder in opened.roots()
        if folder not in planned
        for project in opened.load(folder, variables or Variables(), region_of(folder), environments)
    ]
    if made:
        made[0] = replace(made[0], problems=(*made[0].problems, *opened.files.problems(environments)))
    return made


class Folders:
    """The folders of a scan that hold Terraform files: which of them are roots, and each root's projects.

    So many of the folders read last are kept that roots which call the same modules share them, and no more.
    The arguments are those of `load`.
    """

    def __init__(
        self,
        root: Root,
        folders: Sequence[str],
        wanted: Wanted,
        created_by: CreatedBy = unknown_source,
        about: Wanted | None = None,
        recall: Recall = anew,
    ) -> None:
        self.files = VariableFiles(root)
        self._root = root
        self._folders = [folder for folder in sorted(set(folders)) if ".terraform" not in folder.split("/")]
        self._wanted = wanted
        self._created_by = created_by
        self._about = about
        self._recall = recall
        self._known: dict[str, tuple[Configuration, Noted]] = {}

    @cached_property
    def _indexed(self) -> tuple[dict[str, list[str]], set[str]]:
        """Give the folders that each one calls as modules, and those that stand alone although they may be called."""
        told = self._recall("calls", self._folders, self._calls)
        alone = {folder for folder, (_, stands) in told.items() if stands}
        return {folder: calls for folder, (calls, _) in told.items()}, alone

    def _calls(self, folder: str) -> tuple[list[str], bool]:
        configuration, found = self._open(folder), []
        for _, source in configuration.sources():
            target = self._root.resolve(folder, source) if source.startswith(".") else None
            if target is not None and target != folder:
                found.append(target)
        return found, configuration.stands_alone()

    def roots(self) -> list[str]:
        """Give the folders that are deployed as they are."""
        return roots_of(self._folders, *self._indexed)

    def documents(self, folder: str) -> dict[str, Document]:
        """Give the files of a root and of the local modules that it calls."""
        reached: set[str] = set()
        reach([folder], self._indexed[0], reached)
        return {path: one for below in sorted(reached) for path, one in self._open(below).documents.items()}

    def load(
        self, folder: str, given: Variables, region: str = "", environments: Sequence[Variables] = ()
    ) -> list[RawProject]:
        """Read a root, once for each environment that concerns it, else once with what is given."""
        configuration = self._open(folder)
        concerned = [one for one in environments if one.belongs(folder) and _concerns(one, configuration, self.files)]
        made: list[RawProject] = []
        for one in concerned or [given]:
            modules = Modules(self._root, folder, self._open, self._created_by, self._wanted)
            builder = _Builder(self._root, modules, folder, self._wanted, one.region or region, self._about)
            made.append(builder.build(one, self.files))
        return made

    def _open(self, folder: str) -> Configuration:
        known = self._known.pop(folder, None) or self._root.watching(lambda: Configuration(self._root, folder))
        self._known[folder] = known  # the one that was asked for last stands last
        if len(self._known) > _MAX_KEPT:
            del self._known[next(iter(self._known))]
        self._root.again(known[1])
        return known[0]


def load_root(
    root: Root,
    folder: str,
    wanted: Wanted,
    variables: Variables,
    region: str = "",
    created_by: CreatedBy = unknown_source,
) -> tuple[RawProject, Modules]:
    """Read one folder as a root, whatever calls it; give its project and its modules."""
    known: dict[str, Configuration] = {}

    def opened(below: str) -> Configuration:
        if below not in known:
            known[below] = Configuration(root, below)
        return known[below]

    modules = Modules(root, folder, opened, created_by, wanted)
    return _Builder(root, modules, folder, wanted, region).build(variables, VariableFiles(root)), modules


def _concerns(given: Variables, configuration: Configuration, files: VariableFiles) -> bool:
    """Tell whether an environment is one of a root: its files set a variable, or the root asks for the workspace."""
    if given.workspace and any("terraform.workspace" in one.text for one in configuration.documents.values()):
        return True
    declared = {block.labels[0] for block in configuration.scanned("variable") if block.labels}
    paths = files.given(configuration.folder, given.files)
    return any(not declared.isdisjoint(files.read(path)[1]) for path in paths)


def _app_folder(folder: str) -> str:
    """Give the folder of the app that synthesized a stack into `cdktf.out/stacks/NAME`; the folder itself otherwise."""
    parts = folder.split("/")
    return "/".join(parts[:-3]) if parts[-2:-1] == ["stacks"] else folder


class _Builder:
    """Builds one project."""

    def __init__(
        self, root: Root, modules: Modules, folder: str, wanted: Wanted, region: str, about: Wanted | None = None
    ) -> None:
        self.root = root
        self.folder = folder
        self.wanted = wanted
        self.about = about or wanted
        self.region = region
        self.modules = modules
        self.closure = Closure(modules)
        self.session = Resolver(root, folder, region, modules)
        self.resources: list[RawResource] = []
        self.problems: list[MlguardError] = []
        self.documents: dict[str, Document] = {}
        self.traces = Traces(root, _app_folder(folder), self.documents)

    def build(self, variables: Variables, files: VariableFiles) -> RawProject:
        self.session.workspace = variables.workspace
        instance = Instance(self.session, self.modules.configuration(self.folder))
        assignments = Assignments(self.root, self.folder, variables, files) if self._matters(instance) else None
        if assignments is not None:
            self.session.variables = RootVariables(instance, assignments)
            self._collect(instance)
        for configuration in self.modules.configurations.values():
            self.documents.update(configuration.documents)
            self.problems.extend(configuration.problems)
        if assignments is not None:
            self.documents.update(assignments.documents)
            self.problems.extend(assignments.problems)
        self.problems.extend(self.modules.problems)
        missing = [gap for _, gap in self.modules.missing.values()]
        gaps = missing if assignments is None else self.modules.gaps.values()
        return RawProject(
            dialect="terraform",
            path=self.folder or ".",
            resources=tuple(self.resources),
            documents=self.documents,
            gaps=tuple(sorted(gaps, key=lambda gap: gap.span)),
            names=self._names(variables),
            environment=variables.environment,
            problems=tuple(self.problems),
            notes=self._notes(matters=assignments is not None),
            files=tuple(sorted(self.documents)),
            workspace=variables.workspace,
        )

    def _names(self, variables: Variables) -> tuple[str, ...]:
        files = [posixpath.basename(path).partition(".")[0] for path in variables.files]
        return tuple(part for part in (variables.workspace, *files, *reversed(self.folder.split("/"))) if part)

    def _notes(self, *, matters: bool) -> tuple[str, ...]:
        """Name the modules that are not here, save those of which it is known that nothing they create is checked."""
        called = {gap.span for gap in self.modules.gaps.values()}
        unseen = [
            f'"{scanned.labels[0] if scanned.labels else ""}" ({gap.span.path}:{gap.span.line})'
            for _, (scanned, gap) in sorted(self.modules.missing.items())
            if (gap.span in called or not matters)
            and (gap.hides or (gap.hides is None and (matters or _TELLING.search(code(scanned)))))
        ]
        if not unseen:
            return ()
        listed = ", ".join(unseen[:_MAX_NAMED])
        more = f" and {len(unseen) - _MAX_NAMED} more" if len(unseen) > _MAX_NAMED else ""
        what = (
            "a module is not here, so what it creates"
            if len(unseen) == 1
            else "modules are not here, so what they create"
        )
        return (f"{self.folder or '.'}: {what} is not checked: {listed}{more}; see `terraform init`",)

    def _matters(self, instance: Instance) -> bool:
        """Look for a type that the scan is about in the root and all that it calls, without parsing anything.

        A module that is not here may hold one, which matters where something else is here that is wanted.
        """
        waiting: list[tuple[Configuration, tuple[str, ...]]] = [(instance.configuration, ())]
        seen: set[str] = set()
        about, wanted = False, False
        while waiting:
            configuration, path = waiting.pop()
            if configuration.folder in seen:
                continue
            seen.add(configuration.folder)
            types = {block.labels[0] for block in configuration.scanned("resource") if block.labels}
            about = about or any(map(self.about, types))
            wanted = wanted or any(map(self.wanted, types))
            for call in list(configuration.scanned("module")):
                below = (*path, *call.labels[:1])
                target = self.modules.target(configuration, below, call)
                if target is not None:
                    waiting.append((self.modules.configuration(target), below))
        return about or (wanted and any(map(self._may_hide_one, self.modules.missing.values())))

    def _may_hide_one(self, missing: tuple[ScannedBlock, Gap]) -> bool:
        hides = missing[1].hides
        return hides is None or any(map(self.about, hides))

    def _collect(self, instance: Instance) -> None:
        """Add the resources of an instance and of all modules below it."""
        waiting = [instance]
        while waiting:
            here = waiting.pop(0)
            called = [scanned for scanned in here.configuration.scanned("module") if self.modules.leads(here, scanned)]
            self.closure.read_all((*called, *here.configuration.scanned("provider")), here.configuration)
            for scanned in here.configuration.scanned("resource"):
                if len(scanned.labels) > 1 and self.wanted(scanned.labels[0]):
                    self._resource(here, scanned)
                if len(self.resources) > _MAX_RESOURCES:
                    self.problems.append(
                        LimitError(f"more than {_MAX_RESOURCES:,} resources in one project", self.folder or ".")
                    )
                    return
            waiting.extend(self.modules.children(here, called))

    def _resource(self, instance: Instance, scanned: ScannedBlock) -> None:
        block = instance.configuration.block(scanned)
        if block is None:
            return
        self.closure.read(block, instance.configuration)
        scope = Scope(instance, block.document)
        if block.arguments.keys().isdisjoint(("count", "for_each")):
            self.resources.append(self._raw(instance, block, scanned, scope, None))
            return
        for key in existing_keys(block, scope):
            inner = bound(block, scope, key)
            self.resources.append(self._raw(instance, block, scanned, inner, (key, scope)))

    def _raw(
        self, instance: Instance, block: Block, scanned: ScannedBlock, scope: Scope, key: tuple[Key, Scope] | None
    ) -> RawResource:
        kind, name = scanned.labels[:2]
        exists = instance.exists if key is None else Existence(block, key[1], key[0], instance.exists)
        places = self.traces.places(list(block.trace))
        return RawResource(
            format="terraform",
            type=kind,
            address=f"{instance.prefix}{kind}.{name}{'' if key is None else suffix(key[0])}",
            body=body(block, scope),
            span=block.document.span(block.start, block.end),
            name_span=block.document.span(block.start, block.header_end),
            region=region_node(block, kind, scope, self.region),
            exists=exists,
            tags_below=default_tags(block, kind, scope),
            source=places[0] if places else None,
            construct=block.construct,
            related=(*instance.related, *(Related(place, "constructed here") for place in places[1:4])),
            removal=removal(block, scope),
        )
