"""The whole tool in one function: documents in, report out.

`scan` finds what is to be read, lets the front end of each format turn it into raw projects, names them by the
vocabulary, judges every selected policy over them, and marks what its authors accept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mlguard.configuration import Configuration
from mlguard.errors import MlguardError, ParseError
from mlguard.finding import Counts, Finding, Report, Undecided
from mlguard.policy.model import Clause, Combined, Operand, Policy, Quantified
from mlguard.record import replace
from mlguard.resource import Project, RawProject, Resource
from mlguard.scan.affected import Affected
from mlguard.scan.alike import alike
from mlguard.scan.check import check_project
from mlguard.scan.discover import Found, discover
from mlguard.scan.merging import merged
from mlguard.scan.options import Options, Tick, Validate
from mlguard.scan.reading import Reading, native_kinds, notes_on_apps
from mlguard.scan.relevance import OF_THE_ACCOUNT, judged_types
from mlguard.suppress import suppress
from mlguard.vocabulary.derived import Settings
from mlguard.vocabulary.load import bundled_vocabulary
from mlguard.vocabulary.model import Vocabulary
from mlguard.vocabulary.normalise import normalise

__all__ = ["Options", "Tick", "Validate", "projects_of", "scan"]


def scan(options: Options) -> Report:
    """Scan, and report everything: findings, problems, undecided checks, and how each file ended."""
    vocabulary = bundled_vocabulary()
    configuration = options.configuration
    found = discover(
        options.root, options.paths, configuration.excludes, lambda seen: options.tick("looking for files", seen, 0)
    )
    problems: list[MlguardError] = list(found.problems)
    about = judged_types(options.policies, vocabulary)
    affected = Affected(options, found)
    named = _named_projects(options, found, vocabulary, problems, (affected, about))
    accounts = [resource for project in named for resource in project.resources if resource.kind in OF_THE_ACCOUNT]
    if options.only is not None:  # what is wrong elsewhere is no business of these files
        problems.extend(problem for project in named for problem in project.raw.problems)
        problems = [problem for problem in problems if problem.path in options.only]
        found.skipped = {path: why for path, why in found.skipped.items() if path in options.only}
        named = [project for project in named if affected.project(project.raw)]
    projects = [project.raw for project in named]
    findings: list[Finding] = []
    undecided: list[Undecided] = []
    notes = [*notes_on_apps(options, found), *(options.given.unknown_names() if projects else ())]
    checks = 0
    selected = frozenset(policy.id for policy in options.policies)
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
    places = {project.path if project.environment else index for index, project in enumerate(projects)}
    documents = {path: document for project in projects for path, document in project.documents.items()}
    if options.validate is not None:
        problems.extend(options.validate(documents, options.region or configuration.region))
    counts = _counts(found, projects, problems, undecided)
    return Report(
        findings=tuple(sorted(alike(merged(findings, projects)), key=Finding.order)),
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
    for kind, title in OF_THE_ACCOUNT.items():
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


def projects_of(options: Options) -> tuple[list[Project], list[MlguardError]]:
    """Read the projects and name their resources, without judging anything; give what could not be read as well."""
    found = discover(options.root, options.paths, options.configuration.excludes, lambda _seen: None)
    problems: list[MlguardError] = list(found.problems)
    named = _named_projects(options, found, bundled_vocabulary(), problems, (Affected(options, found), None))
    problems.extend(problem for project in named for problem in project.raw.problems)
    return named, _unique(problems)


def _named_projects(
    options: Options,
    found: Found,
    vocabulary: Vocabulary,
    problems: list[MlguardError],
    narrowed: tuple[Affected, frozenset[str] | None],
) -> list[Project]:
    """Read and name the projects that are affected, and only as far as the types ask that the scan is about."""
    affected, about = narrowed
    if options.configuration.budgets == "repository":  # those of every other project count
        affected = Affected(replace(options, only=None), found)
    projects = list(Reading(options, found, vocabulary, problems, affected, about).projects())
    native = native_kinds(options)
    return [normalise(raw, vocabulary, _settings(raw, options), native) for raw in projects]


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
