"""The whole tool in one function: documents in, report out.

`scan` finds what is to be read; the front end of each format turns it into raw projects, which are named by the
vocabulary, judged by every policy that their configuration selects, and marked with what their authors accept. All of
that happens to one project after the other, in as many processes as pay; what is told at the end does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from mlguard.cache import anew
from mlguard.errors import MlguardError
from mlguard.finding import Counts, Finding, Report, Undecided
from mlguard.policy.model import Clause, Combined, Operand, Policy, Quantified
from mlguard.record import replace
from mlguard.resource import Project
from mlguard.scan.alike import alike
from mlguard.scan.discover import Found, discover
from mlguard.scan.judging import Judged, Outcome, named_project, units_of_accounts
from mlguard.scan.merging import merged
from mlguard.scan.options import Options, Tick, Validate
from mlguard.scan.reading import Reading, notes_on_apps, still_waiting
from mlguard.scan.relevance import OF_THE_ACCOUNT
from mlguard.scan.units import Unit
from mlguard.scan.workers import Workers
from mlguard.source import Document
from mlguard.suppression import Wishes
from mlguard.vocabulary.load import bundled_vocabulary

if TYPE_CHECKING:
    from mlguard.scan.remembered import Remembered

_ENOUGH_TO_REMEMBER = 12
"""Folders and templates: with fewer, asking what is known takes as long as finding it out."""

__all__ = ["Options", "Tick", "Validate", "projects_of", "scan"]


def scan(options: Options) -> Report:
    """Scan, and report everything: findings, problems, undecided checks, and how each file ended."""
    found = _discovered(options)
    options = replace(options, policies=_policies(options, found))
    problems: list[MlguardError] = list(found.problems)
    projects = _judged(options, found, problems)
    notes = [*notes_on_apps(options, found), *found.notes, *(options.given.unknown_names() if projects else ())]
    if options.only is not None:  # what is wrong elsewhere is no business of these files
        problems = [problem for problem in problems if problem.path in options.only]
        found.skipped = {path: why for path, why in found.skipped.items() if path in options.only}
    wishes = Wishes(options.today, options.only is None and options.paths == ("",), not options.environment)
    for project in projects:
        wishes.add(project.wishes, project.path)
    findings = [finding for project in projects for finding in project.findings]
    undecided = [one for project in projects for one in project.undecided]
    for project in projects:
        problems.extend(project.problems)
        notes.extend(project.notes)
    notes.extend(_about_budgets(options, projects, findings))
    findings.extend(_about_suppressions(options, wishes))
    documents = {path: document for project in projects for path, document in project.documents.items()}
    problems.extend(_invalid(options, documents))
    return Report(
        findings=tuple(sorted(alike(merged(findings, projects)), key=Finding.order)),
        problems=tuple(sorted(_unique(problems), key=lambda one: (one.path, one.line, one.column, one.message))),
        undecided=tuple(sorted(_undecided(undecided), key=lambda one: (one.at, one.policy.id, one.resource))),
        counts=_counts(found, projects, problems, undecided),
        policies=options.policies,
        documents=documents,
        notes=tuple(dict.fromkeys(notes)),
        ignores=wishes.ignores(),
    )


def _discovered(options: Options) -> Found:
    def tick(seen: int) -> None:
        options.tick("looking for files", seen, 0)

    return discover(options.root, options.paths, options.excluded, tick, ignored=options.ignored)


def _policies(options: Options, found: Found) -> tuple[Policy, ...]:
    """Give the policies that any project may be judged by, in the order of the folders of the configurations."""
    places = (*found.assemblies, *found.templates, *found.plans, *found.terraform) if options.terms_of else ()
    paths = sorted({"", *(path.rpartition("/")[0] for path in places), *found.terraform, *found.assemblies})
    terms = [options.terms(path) for path in (paths if options.terms_of else ("",))]
    return tuple({policy.id: policy for one in terms for policy in one.policies}.values())


def _judged(options: Options, found: Found, problems: list[MlguardError]) -> list[Judged]:
    """Judge everything: assemblies, then the templates that are in none, then plans and Terraform roots."""
    terms = [options.terms(path) for path in ("", *found.templates, *found.terraform, *found.assemblies)]
    shared = any(one.configuration.budgets == "repository" for one in terms)
    of_accounts = units_of_accounts(options, found) if shared else []
    known = None
    if not shared and _many(options, found):  # with shared budgets, each unit depends on all others
        from mlguard.scan.remembered import remembered  # noqa: PLC0415  (a database and hashes, for few projects)

        options, known = remembered(options, found)
    projects: list[Judged] = []
    read: set[str] = set()
    planned: set[str] = set()
    declared: set[str] = set()
    with Workers(options, found, of_accounts, recall=known.recalled if known is not None else anew) as workers:
        outcomes_of = _outcomes(options, workers, known)

        def run(units: Sequence[Unit], what: str) -> None:
            for outcome in outcomes_of(units, what):
                problems.extend(outcome.problems)
                found.skipped.update(outcome.skipped)
                planned.update(outcome.planned)
                declared.update(outcome.declared)
                read.update(path for project in outcome.projects for path in project.files)
                projects.extend(project for project in outcome.projects if project.meant)

        reading = workers.judge.reading
        waiting = sorted(found.assemblies)
        while waiting:
            units = reading.assemblies(waiting)
            run(units, "checking cloud assemblies")
            waiting = still_waiting(waiting, units, read)
        run(reading.templates(read), "checking templates")
        run(reading.plans(), "checking plans")
        run(reading.roots(planned), "checking Terraform")
    options.given.declared.update(declared)
    return projects


def _many(options: Options, found: Found) -> bool:
    """Tell whether there is so much to judge that asking what is known of it pays."""
    count = len(found.templates) + len(found.terraform) + len(found.assemblies)
    return options.store is not None and options.only is None and count >= _ENOUGH_TO_REMEMBER


def _outcomes(
    options: Options, workers: Workers, known: Remembered | None
) -> Callable[[Sequence[Unit], str], Iterator[Outcome]]:
    if known is None:
        return workers.run
    from mlguard.scan.outcomes import Outcomes  # noqa: PLC0415  (as above)

    return Outcomes(options, workers, known).of


def _invalid(options: Options, documents: dict[str, Document]) -> Iterator[MlguardError]:
    """Give what else is wrong with the documents, for the region of each."""
    if options.validate is None:
        return
    by_region: dict[str, dict[str, Document]] = {}
    for path, document in documents.items():
        region = options.region or options.terms(path).configuration.region
        by_region.setdefault(region, {})[path] = document
    for region, own in sorted(by_region.items()):
        yield from options.validate(own, region)


def _about_budgets(options: Options, projects: Sequence[Judged], findings: Sequence[Finding]) -> Iterator[str]:
    rules = {project.path: options.terms(project.path).configuration.budgets for project in projects}
    if "managed_elsewhere" in (*rules.values(), options.terms("").configuration.budgets):
        yield "budgets are managed elsewhere, says the configuration: no project is asked for one"
    asking = [one for one in findings if not one.resource and rules.get(one.project) == "project"]
    asked = {kind for finding in asking for kind in _kinds_named(finding.policy.require)}
    accounts = [one for project in projects for one in project.accounts]
    for kind, title in OF_THE_ACCOUNT.items():
        at = next((span for name, span in accounts if name == kind), None)
        if at is not None and kind in asked:
            what = "`budgets: repository` makes it count for all"
            yield f"{at.path}:{at.line}: this {title} is of another project; {what}"


def _about_suppressions(options: Options, wishes: Wishes) -> list[Finding]:
    found = wishes.findings(lambda path: options.terms(path).policies)
    return [replace(one, fail_on=options.terms(one.at.path).configuration.fail_on) for one in found]


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
    found = _discovered(options)
    options = replace(options, policies=_policies(options, found))
    vocabulary = bundled_vocabulary()
    reading = Reading(options, found, vocabulary)
    named = [
        named_project(raw, options, options.terms(raw.path), vocabulary)
        for _, raw in reading.projects()
        if reading.affected.project(raw)
    ]
    problems = [*found.problems, *reading.problems, *(problem for project in named for problem in project.raw.problems)]
    return named, _unique(problems)


def _undecided(undecided: Sequence[Undecided]) -> list[Undecided]:
    """Tell once what is undecided in several environments of a root."""
    return list({(one.at, one.policy.id, one.resource, one.because): one for one in undecided}.values())


def _unique(problems: Sequence[MlguardError]) -> list[MlguardError]:
    return list({(one.path, one.line, one.column, one.message): one for one in problems}.values())


def _counts(
    found: Found, projects: Sequence[Judged], problems: Sequence[MlguardError], undecided: Sequence[Undecided]
) -> Counts:
    read = {path for project in projects for path in project.files}
    failed = {problem.path for problem in problems if problem.path}
    partly = ({one.at.path for one in undecided} | (failed & read)) & read
    broken = failed - read
    resources: dict[str, set[str]] = {}
    for project in projects:
        resources.setdefault(project.path, set()).update(project.resources)
    return Counts(
        scanned=len(read - partly),
        partly=len(partly),
        failed=len(broken),
        skipped=len(set(found.skipped) - read - broken),
        projects=len({project.path if project.environment else index for index, project in enumerate(projects)}),
        resources=sum(len(addresses) for addresses in resources.values()),
        checks=sum(project.checks for project in projects),
    )
