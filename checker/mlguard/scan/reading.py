"""Let the front end of each format turn what was found into raw projects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial

from mlguard.configuration import Deployment
from mlguard.errors import MlguardError
from mlguard.parse import cloudformation
from mlguard.parse.cloudformation import Given
from mlguard.record import replace
from mlguard.resource import RawProject
from mlguard.scan.affected import Affected
from mlguard.scan.discover import Found
from mlguard.scan.options import Options
from mlguard.vocabulary.model import Vocabulary


class Reading:
    """Reads every project of a scan; a front end is imported when there is something for it to read."""

    def __init__(
        self,
        options: Options,
        found: Found,
        vocabulary: Vocabulary,
        problems: list[MlguardError],
        affected: Affected,
        about: frozenset[str] | None,
    ) -> None:
        """Read the affected part of what `found` names; a Terraform root with no type of `about` stays closed."""
        self._options = options
        self._found = found
        self._affected = affected
        self._problems = problems
        self._vocabulary = vocabulary
        self._about = about
        self._native = frozenset(kind.partition(":")[2] for kind in native_kinds(options))

    def projects(self) -> Iterator[RawProject]:
        """Give the projects: assemblies, then the templates that are in none, then plans and Terraform roots."""
        read: set[str] = set()  # an assembly says how its templates belong together
        for project in self._assemblies():
            read.update(project.files)
            yield project
        yield from self._outermost(read)
        planned: frozenset[str] = frozenset()
        if (self._options.plans or self._found.plans) and self._affected.plans():
            projects, planned = self._plans()
            yield from projects
        if self._found.terraform:
            yield from self._terraform(planned)

    def _wanted(self, raw_type: str) -> bool:
        return raw_type in self._native or self._vocabulary.wanted(raw_type)

    def _region(self, path: str) -> str:
        return self._options.region or self._options.configuration.region_of(path, self._options.environment)

    def _deployments(self) -> list[Deployment]:
        """Give how the configuration deploys to each environment that was asked for."""
        wanted = self._options.environment
        return [one for one in self._options.configuration.deployments if wanted in ("", one.environment)]

    def _assemblies(self) -> Iterator[RawProject]:
        if self._found.assemblies:
            from mlguard.parse import cdk  # noqa: PLC0415
        read: set[str] = set()  # the assembly of a stage is read with the one that it belongs to
        for folder in sorted(filter(self._affected.assembly, self._found.assemblies)):
            if (f"{folder}/manifest.json" if folder else "manifest.json") not in read:
                try:
                    project = cdk.load(self._options.root, folder, self._wanted, self._region(folder))
                except MlguardError as error:
                    self._problems.append(error)
                else:
                    read.update(project.files)
                    yield project

    def _outermost(self, read: set[str]) -> Iterator[RawProject]:
        """Leave out the templates that others nest: they are judged there, with the parameters that they are given."""
        templates = [
            (path, project)
            for index, path in enumerate(self._affected.templates())
            if path not in read
            for project in self._templates(path, index)
        ]
        nested = {below for path, project in templates for below in project.files if below != path}
        covered: set[str] = set()
        for inner in (False, True):  # of templates that nest each other, the first stands for all
            for path, project in templates:
                if (path in nested) is inner and not (inner and path in covered):
                    covered.update(below for below in project.files if below != path)
                    yield project

    def _templates(self, path: str, index: int) -> list[RawProject]:
        """Read a file once for every environment that the configuration deploys its template to, else once."""
        self._options.tick("reading", index, len(self._found.templates))
        given = self._options.given
        loaded = self._load(path, given, self._options.region or given.region(path) or self._region(path))
        if loaded is None:
            return []
        if not loaded:
            self._found.skipped[path] = "not a template"
        if given.files:  # who names files on the command line asks for one scan with those
            return loaded
        declared = {parameter.name for project in loaded for parameter in project.parameters}
        made: list[RawProject] = []
        for deployment, inputs in self._inputs:
            own = inputs.concerning(path, declared) if deployment.belongs(path) else None
            if own is not None:
                region = self._options.region or own.region(path) or deployment.region or self._region(path)
                again = self._load(path, replace(own, values=given.values), region) or []
                made.extend(replace(project, environment=deployment.environment) for project in again)
        return made or loaded

    @cached_property
    def _inputs(self) -> list[tuple[Deployment, Given]]:
        """Read the parameter files of every environment; one that cannot be read is a problem."""
        found = []
        for deployment in self._deployments():
            files = []
            for written in deployment.parameter_files:
                path, table = cloudformation.with_environment(written)
                try:
                    files.append(cloudformation.read_parameter_file(self._options.root, path, table))
                except MlguardError as error:
                    self._problems.append(error)
            if files:
                found.append((deployment, Given(tuple(files))))
        return found

    def _load(self, path: str, given: Given, region: str) -> list[RawProject] | None:
        root = self._options.root
        try:
            return cloudformation.load(root, root.read(path), self._wanted, given, region=region, exports=self._exports)
        except MlguardError as error:
            self._problems.append(error)
            return None

    @cached_property
    def _exports(self) -> cloudformation.Exports:
        options = self._options
        region = options.region or options.configuration.region
        return cloudformation.Exports(options.root, tuple(self._found.templates), region, options.given)

    def _plans(self) -> tuple[Sequence[RawProject], frozenset[str]]:
        """Read plans; give their projects, and the roots that they stand for."""
        from mlguard.parse.terraform.plan import load_plans  # noqa: PLC0415

        options, found = self._options, self._found
        region = options.region or options.configuration.region
        plans = load_plans(options.root, options.plans, list(found.plans), list(found.terraform), self._wanted, region)
        self._problems.extend(plans.problems)
        found.skipped.update(dict.fromkeys(plans.others, "not a template"))
        return plans.projects, frozenset(plans.roots)

    def _terraform(self, planned: frozenset[str]) -> list[RawProject]:
        """Read Terraform roots: each once for every environment that the configuration deploys it to, else once."""
        from mlguard.parse import terraform  # noqa: PLC0415

        options = self._options
        given = options.variables or terraform.Variables()
        environments = []
        if not given.files:  # who names files on the command line asks for one scan with those
            given = replace(given, shared=options.configuration.var_files)
            environments = [
                replace(
                    given,
                    files=one.var_files,
                    environment=one.environment,
                    region=options.region or one.region,
                    workspace=one.workspace,
                    belongs=one.belongs,
                )
                for one in self._deployments()
                if one.var_files or one.workspace
            ]
        folders, region = list(self._found.terraform), partial(Reading._region, self)
        created_by = self._vocabulary.created_by
        about, meant = None if self._about is None else self._about.__contains__, self._affected.code
        return terraform.load(
            options.root, folders, self._wanted, given, region, environments, planned, created_by, about, meant
        )


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
