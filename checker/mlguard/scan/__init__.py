"""The whole tool in one function: documents in, report out.

`scan` finds what is to be read, lets the front end of each format turn it into raw projects, names them by the
vocabulary, judges every selected policy over them, and marks what its authors accept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from mlguard.configuration import Configuration
from mlguard.errors import MlguardError, ParseError, UsageError
from mlguard.finding import Counts, Finding, Report, Undecided
from mlguard.knowledge.rates import Rates
from mlguard.parse import cloudformation
from mlguard.policy.model import Clause, Combined, Operand, Policy, Quantified
from mlguard.resource import RawProject, Resource
from mlguard.scan.check import check_project
from mlguard.scan.discover import Found, discover
from mlguard.scan.merging import merged
from mlguard.source import Root
from mlguard.suppress import suppress
from mlguard.vocabulary.derived import Settings
from mlguard.vocabulary.load import bundled_vocabulary
from mlguard.vocabulary.model import Vocabulary
from mlguard.vocabulary.normalise import normalise

if TYPE_CHECKING:
    from mlguard.parse.terraform import Variables

Tick = Callable[[str, int, int], None]
_OF_THE_ACCOUNT = {"budgets.budget": "budget", "ce.anomaly_monitor": "anomaly monitor"}
"""Kinds of which one may serve projects that are deployed beside it, with what to call it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to scan and how. `paths` are relative to the root, `only` limits the projects to those of these files.

    `known` are all policies that an ignore may name, `policies` those that are judged.
    """

    root: Root
    paths: tuple[str, ...] = ("",)
    policies: tuple[Policy, ...] = ()
    known: tuple[Policy, ...] = ()
    configuration: Configuration = field(default_factory=Configuration)
    environment: str = ""
    region: str = ""
    variables: Variables | None = None
    rates: Rates = field(default_factory=Rates)
    only: frozenset[str] | None = None
    tick: Tick = lambda _what, _done, _all: None


def scan(options: Options) -> Report:
    """Scan, and report everything: findings, problems, undecided checks, and how each file ended."""
    vocabulary = bundled_vocabulary()
    configuration = options.configuration
    found = discover(
        options.root, options.paths, configuration.excludes, lambda seen: options.tick("looking for files", seen, 0)
    )
    problems: list[MlguardError] = list(found.problems)
    projects = [project for project in _projects(options, found, vocabulary, problems) if _meant(project, options)]
    findings: list[Finding] = []
    undecided: list[Undecided] = []
    notes: list[str] = []
    checks = 0
    selected = frozenset(policy.id for policy in options.policies)
    if options.only is not None:  # what is wrong elsewhere is no business of these files
        problems = [problem for problem in problems if problem.path in options.only]
    named = [normalise(raw, vocabulary, _settings(raw, options), _native(options)) for raw in projects]
    accounts = [resource for project in named for resource in project.resources if resource.kind in _OF_THE_ACCOUNT]
    for index, project in enumerate(named):
        options.tick("checking", index, len(named))
        problems.extend(project.raw.problems)
        notes.extend(project.raw.notes)
        elsewhere = accounts if configuration.budgets == "repository" else ()
        try:
            checked = check_project(project, options.policies, configuration.parameters.value, elsewhere)
        except RecursionError:
            problems.append(ParseError("nested too deeply to be checked", project.raw.path))
            continue
        canonical = _canonical([*options.known, *options.policies])
        marked, remarks = suppress(checked.findings, project.raw, canonical, selected)
        findings.extend(marked)
        notes.extend(remarks)
        undecided.extend(checked.undecided)
        checks += checked.checks
    notes.extend(_about_budgets(configuration, findings, accounts))
    resources = {(project.path, resource.address) for project in projects for resource in project.resources}
    places = {project.path for project in projects}
    counts = _counts(found, projects, problems, undecided)
    documents = {path: document for project in projects for path, document in project.documents.items()}
    return Report(
        findings=tuple(sorted(merged(findings, projects), key=Finding.order)),
        problems=tuple(sorted(_unique(problems), key=lambda one: (one.path, one.line, one.column, one.message))),
        undecided=tuple(sorted(_undecided(undecided), key=lambda one: (one.at, one.policy.id, one.resource))),
        counts=replace(counts, projects=len(places), resources=len(resources), checks=checks),
        policies=options.policies,
        documents=documents,
        notes=tuple(dict.fromkeys(notes)),
    )


def _about_budgets(
    configuration: Configuration, findings: Sequence[Finding], accounts: Sequence[Resource]
) -> Iterator[str]:
    if configuration.budgets == "managed_elsewhere":
        yield "budgets are managed elsewhere, says the configuration: no project is asked for one"
    if configuration.budgets != "project":
        return
    asked = {kind for finding in findings if not finding.resource for kind in _kinds_named(finding.policy.require)}
    for kind, title in _OF_THE_ACCOUNT.items():
        found = next((resource.raw.name_span for resource in accounts if resource.kind == kind), None)
        if found is not None and kind in asked:
            yield (
                f"{found.path}:{found.line}: this {title} is of another project; "
                "`budgets: repository` makes it count for all"
            )


def _kinds_named(clause: Clause) -> Iterator[Operand]:
    """Give the kinds of resources that a project's policy asks for."""
    if isinstance(clause, Combined):
        for part in clause.parts:
            yield from _kinds_named(part)
    elif isinstance(clause, Quantified):
        yield from _kinds_named(clause.clause)
    elif clause.path == "kind":
        yield clause.operand


def _projects(
    options: Options, found: Found, vocabulary: Vocabulary, problems: list[MlguardError]
) -> Iterator[RawProject]:
    """Read every project; a front end is imported when there is something for it to read."""
    native = frozenset(kind.partition(":")[2] for kind in _native(options))

    def wanted(raw_type: str) -> bool:
        return raw_type in native or vocabulary.wanted(raw_type)

    read: set[str] = set()  # an assembly says how its templates belong together
    for project in _assemblies(options, found, wanted, problems):
        read.update(project.files)
        yield project
    for index, path in enumerate(found.templates):
        options.tick("reading", index, len(found.templates))
        if path not in read:
            yield from _templates(options, found, path, wanted, problems)
    if found.terraform:
        yield from _terraform(options, list(found.terraform), wanted)


def _region(options: Options, path: str) -> str:
    return options.region or options.configuration.region_of(path, options.environment)


def _terraform(options: Options, folders: list[str], wanted: Callable[[str], bool]) -> list[RawProject]:
    """Read Terraform roots: each once for every environment that the configuration deploys it to, else once."""
    from mlguard.parse import terraform  # noqa: PLC0415

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
            for one in options.configuration.deployments
            if (one.var_files or one.workspace) and options.environment in ("", one.environment)
        ]
    return terraform.load(options.root, folders, wanted, given, partial(_region, options), environments)


def _assemblies(
    options: Options, found: Found, wanted: Callable[[str], bool], problems: list[MlguardError]
) -> Iterator[RawProject]:
    if found.assemblies:
        from mlguard.parse import cdk  # noqa: PLC0415
    for folder in found.assemblies:
        try:
            yield cdk.load(options.root, folder, wanted)
        except MlguardError as error:
            problems.append(error)


def _templates(
    options: Options,
    found: Found,
    path: str,
    wanted: Callable[[str], bool],
    problems: list[MlguardError],
) -> list[RawProject]:
    region = _region(options, path)
    try:
        loaded = cloudformation.load(options.root, options.root.read(path), wanted, region=region)
    except MlguardError as error:
        problems.append(error)
        return []
    if not loaded:
        found.skipped[path] = "not a template"
    return loaded


def _native(options: Options) -> frozenset[str]:
    """Give the kinds that policies take from one format: `terraform:aws_lambda_function`."""
    return frozenset(kind for policy in options.policies for kind in policy.applies_to if ":" in kind)


def _meant(project: RawProject, options: Options) -> bool:
    return options.only is None or any(path in options.only for path in project.files)


def _settings(raw: RawProject, options: Options) -> Settings:
    configuration = options.configuration
    said = options.environment or raw.environment or configuration.environment_of(raw.path)
    environment = said or configuration.environment
    parameters = configuration.parameters

    def parameter(name: str, of: str) -> object:
        return parameters.value(name, {"environment": of} if of else {})

    words = parameters.environment_words()
    return Settings(environment, parameters.default_environment, words, parameter, options.rates)


def _canonical(policies: Sequence[Policy]) -> Callable[[str], str | None]:
    names = {name: policy.id for policy in policies for name in (policy.id, *policy.aliases)}
    return lambda name: names.get(name) or names.get(name.upper())


def _undecided(undecided: Sequence[Undecided]) -> list[Undecided]:
    """Tell once what is undecided in several environments of a root."""
    return list({(one.at, one.policy.id, one.resource, one.because): one for one in undecided}.values())


def _unique(problems: Sequence[MlguardError]) -> list[MlguardError]:
    return list({(one.path, one.line, one.column, one.message): one for one in problems}.values())


def _counts(
    found: Found, projects: Sequence[RawProject], problems: Sequence[MlguardError], undecided: Sequence[Undecided]
) -> Counts:
    read = {path for project in projects for path in project.files}
    failed = {problem.path for problem in problems if problem.path}
    partly = ({one.at.path for one in undecided} | (failed & read)) & read
    broken = failed - read
    return Counts(len(read - partly), len(partly), len(broken), len(set(found.skipped) - read - broken))


def choose(policies: Sequence[Policy], select: Sequence[str], ignore: Sequence[str]) -> tuple[Policy, ...]:
    """Choose policies by id, alias, pack or wildcard, the recommended ones by default.

    `recommended` is the pack of those, `strict` or `all` that of every policy. UsageError for a name that chooses
    nothing.
    """
    for name in (*select, *ignore):
        if not any(_named(policy, name) for policy in policies):
            known = ", ".join(sorted({policy.pack for policy in policies} | {"recommended", "strict"}))
            raise UsageError(f'"{name}" is neither a policy nor a pack; packs are {known}; see `mlguard policies`')
    wanted = select or ("recommended",)
    chosen = [policy for policy in policies if any(_named(policy, name) for name in wanted)]
    return tuple(policy for policy in chosen if not any(_named(policy, name) for name in ignore))


def _named(policy: Policy, name: str) -> bool:
    name = name.lower()
    if name in ("strict", "all") or (name == "recommended" and policy.recommended):
        return True
    return any(fnmatchcase(one.lower(), name) for one in (policy.id, policy.pack, *policy.aliases))
