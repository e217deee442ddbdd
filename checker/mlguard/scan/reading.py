"""Let the front end of each format turn what was found into raw projects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from mlguard.cache import Recall, anew
from mlguard.configuration import Configuration, Deployment
from mlguard.errors import MlguardError
from mlguard.parse import cloudformation
from mlguard.parse.cloudformation import Given
from mlguard.record import replace
from mlguard.resource import RawProject
from mlguard.scan.affected import Affected
from mlguard.scan.discover import Found
from mlguard.scan.options import Options
from mlguard.scan.units import Unit, outer_folders, outermost
from mlguard.source import Noted
from mlguard.vocabulary.model import Vocabulary

if TYPE_CHECKING:
    from mlguard.parse.terraform import Folders


class Reading:
    """Reads the projects of a scan; a front end is imported when there is something for it to read.

    `problems`, `skipped` files and the roots that are `planned` add up while units are read. A Terraform root with none
    of the types that the scan is `about` stays closed.
    """

    def __init__(
        self,
        options: Options,
        found: Found,
        vocabulary: Vocabulary,
        about: frozenset[str] | None = None,
        recall: Recall = anew,
    ) -> None:
        self.problems: list[MlguardError] = []
        self.skipped: dict[str, str] = {}
        self.planned: set[str] = set()
        self._options = options
        self.found = found
        self.affected = Affected(options, found)
        self._vocabulary = vocabulary
        self._about = about
        self._recall = recall
        self._native = frozenset(kind.partition(":")[2] for kind in native_kinds(options))
        self._parameter_files: dict[str, tuple[tuple[list[tuple[Deployment, Given]], list[MlguardError]], Noted]] = {}

    def projects(self) -> Iterator[tuple[Unit, RawProject]]:
        """Give every project: assemblies, then the templates that are in none, then plans and Terraform roots."""
        read: set[str] = set()  # the assembly of a stage is read with the one that it belongs to
        waiting = sorted(self.found.assemblies)
        while waiting:
            units = self.assemblies(waiting)
            for unit in units:
                for project in self.read(unit):
                    read.update(project.files)
                    yield unit, project
            waiting = still_waiting(waiting, units, read)
        for unit in (*self.templates(read), *self.plans()):
            yield from ((unit, project) for project in self.read(unit))
        for unit in self.roots(self.planned):
            yield from ((unit, project) for project in self.read(unit))

    def assemblies(self, waiting: Sequence[str]) -> list[Unit]:
        """Give the assemblies that are in no other one of those that wait."""
        return [Unit("assembly", folder) for folder in outer_folders(waiting) if self.affected.assembly(folder)]

    def templates(self, read: set[str]) -> list[Unit]:
        """Give the templates that no assembly holds and no other one nests."""
        paths = [path for path in self.affected.templates() if path not in read]
        told = len(self.problems)
        made_of = self._recall("nesting", [path for path in paths if path in self.found.nesting], self._made_of)
        del self.problems[told:]  # they are told when the template is read in earnest
        return [Unit("template", path) for path in outermost(paths, made_of)]

    def _made_of(self, path: str) -> list[str]:
        """Give the files of a template and of all that it nests."""
        given = self._options.given
        projects = self._load(path, given, self._region_of_template(path, given))
        return sorted({below for project in projects or () for below in project.files})

    def plans(self) -> list[Unit]:
        """Give the plans, which are read together."""
        return [Unit("plans")] if (self._options.plans or self.found.plans) and self.affected.plans() else []

    def roots(self, planned: set[str]) -> list[Unit]:
        """Give the Terraform roots that no plan stands for."""
        if not self.found.terraform:
            return []
        folders = self._folders
        return [
            Unit("root", folder)
            for folder in folders.roots()
            if folder not in planned and (self.affected.everything or self.affected.code(folders.documents(folder)))
        ]

    def read(self, unit: Unit) -> list[RawProject]:
        """Read a unit, as one project for each environment that it is deployed to."""
        if unit.what == "assembly":
            return self._assembly(unit.path)
        if unit.what == "template":
            return self._template(unit.path)
        return self._plans() if unit.what == "plans" else self._root(unit.path)

    def _wanted(self, raw_type: str) -> bool:
        return raw_type in self._native or self._vocabulary.wanted(raw_type)

    def _configuration(self, path: str) -> Configuration:
        return self._options.terms(path).configuration

    def _region(self, path: str) -> str:
        return self._options.region or self._configuration(path).region_of(path, self._options.environment)

    def _deployments(self, path: str) -> list[Deployment]:
        """Give how the configuration deploys a project to each environment that was asked for."""
        wanted = self._options.environment
        return [one for one in self._configuration(path).deployments if wanted in ("", one.environment)]

    def _assembly(self, folder: str) -> list[RawProject]:
        from mlguard.parse import cdk  # noqa: PLC0415

        try:
            return [cdk.load(self._options.root, folder, self._wanted, self._region(folder))]
        except MlguardError as error:
            self.problems.append(error)
            return []

    def _template(self, path: str) -> list[RawProject]:
        """Read a file once for every environment that the configuration deploys its template to, else once."""
        given = self._options.given
        loaded = self._load(path, given, self._region_of_template(path, given))
        if loaded is None:
            return []
        if not loaded:
            self.skipped[path] = "not a template"
        if given.files:  # who names files on the command line asks for one scan with those
            return loaded
        declared = {parameter.name for project in loaded for parameter in project.parameters}
        made: list[RawProject] = []
        for deployment, inputs in self._inputs(path):
            own = inputs.concerning(path, declared) if deployment.belongs(path) else None
            if own is not None:
                region = self._options.region or own.region(path) or deployment.region or self._region(path)
                again = self._load(path, replace(own, values=given.values), region) or []
                made.extend(replace(project, environment=deployment.environment) for project in again)
        return made or loaded

    def _region_of_template(self, path: str, given: Given) -> str:
        return self._options.region or given.region(path) or self._region(path)

    def _inputs(self, path: str) -> list[tuple[Deployment, Given]]:
        """Give the parameter files of every environment; one that cannot be read is a problem each time."""
        configuration = self._configuration(path)
        if configuration.path not in self._parameter_files:
            read = self._options.root.watching(lambda: self._read_inputs(path))
            self._parameter_files[configuration.path] = read
        (found, problems), noted = self._parameter_files[configuration.path]
        self._options.root.again(noted)
        self.problems.extend(problems)
        return found

    def _read_inputs(self, path: str) -> tuple[list[tuple[Deployment, Given]], list[MlguardError]]:
        found, problems = [], []
        for deployment in self._deployments(path):
            files = []
            for written in deployment.parameter_files:
                name, table = cloudformation.with_environment(written)
                try:
                    files.append(cloudformation.read_parameter_file(self._options.root, name, table))
                except MlguardError as error:
                    problems.append(error)
            if files:
                found.append((deployment, Given(tuple(files))))
        return found, problems

    def _load(self, path: str, given: Given, region: str) -> list[RawProject] | None:
        root = self._options.root
        try:
            return cloudformation.load(root, root.read(path), self._wanted, given, region=region, exports=self._exports)
        except MlguardError as error:
            self.problems.append(error)
            return None

    @cached_property
    def _exports(self) -> cloudformation.Exports:
        options = self._options
        region = options.region or self._configuration("").region
        return cloudformation.Exports(options.root, tuple(self.found.templates), region, options.given)

    def _plans(self) -> list[RawProject]:
        """Read plans; their projects stand for Terraform roots."""
        from mlguard.parse.terraform.plan import load_plans  # noqa: PLC0415

        options, found = self._options, self.found
        plans = load_plans(
            options.root, options.plans, list(found.plans), list(found.terraform), self._wanted, self._region
        )
        self.problems.extend(plans.problems)
        self.skipped.update(dict.fromkeys(plans.others, "not a template"))
        self.planned |= plans.roots
        return plans.projects

    @cached_property
    def _folders(self) -> Folders:
        from mlguard.parse import terraform  # noqa: PLC0415

        options = self._options
        about = None if self._about is None else self._about.__contains__
        folders = list(self.found.terraform)
        return terraform.Folders(options.root, folders, self._wanted, self._vocabulary.created_by, about, self._recall)

    def _root(self, folder: str) -> list[RawProject]:
        """Read a Terraform root once for every environment that the configuration deploys it to, else once."""
        from mlguard.parse import terraform  # noqa: PLC0415

        options = self._options
        given = options.variables or terraform.Variables()
        environments = []
        if not given.files:  # who names files on the command line asks for one scan with those
            given = replace(given, shared=self._configuration(folder).var_files)
            environments = [
                replace(
                    given,
                    files=one.var_files,
                    environment=one.environment,
                    region=options.region or one.region,
                    workspace=one.workspace,
                    belongs=one.belongs,
                )
                for one in self._deployments(folder)
                if one.var_files or one.workspace
            ]
        self.problems.extend(self._folders.files.problems(environments))
        return self._folders.load(folder, given, self._region(folder), environments)


def still_waiting(waiting: Sequence[str], done: Sequence[Unit], read: set[str]) -> list[str]:
    """Give the assemblies that were neither read on their own nor with the one that they belong to."""
    own = {unit.path for unit in done}
    manifest = {folder: f"{folder}/manifest.json" if folder else "manifest.json" for folder in waiting}
    return [folder for folder in waiting if folder not in own and manifest[folder] not in read]


def notes_on_apps(options: Options, found: Found) -> list[str]:
    """Say what to run for CDK apps that are not synthesized, of those that the changed files belong to."""
    if not found.apps:
        return []
    from mlguard.parse.cdk.apps import notes_on_apps as noted  # noqa: PLC0415

    changed = options.only
    return [
        note
        for folder, note in noted(options.root, found.apps, found.assemblies).items()
        if changed is None or not folder or any(path.startswith(f"{folder}/") for path in changed)
    ]


def native_kinds(options: Options) -> frozenset[str]:
    """Give the kinds that policies take from one format: `terraform:aws_lambda_function`."""
    return frozenset(kind for policy in options.policies for kind in policy.applies_to if ":" in kind)
