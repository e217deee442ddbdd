"""The findings of a page: what is wrong on one line, and all the rest below it when it is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlguard.finding import Finding, Money, Part, Report, sum_of
from mlguard.render.advice import fix_language, shown_path
from mlguard.render.fragments import EMPTY, Html, fragment, joined, text
from mlguard.render.html_prose import spoken
from mlguard.render.money import exposure_of, most_of, range_of
from mlguard.render.snippet import Snippet, excerpt, snippet
from mlguard.render.totals import in_order
from mlguard.source import Span

_AROUND = 2  # lines of code shown before and after
_ROOM = 200  # characters of a line of code
_PARTS = 40
_RELATED = 12
_ALSO = 20


def place_of(report: Report, span: Span) -> str:
    """Give `path:line` as far as it is known."""
    path = shown_path(report, span.path)
    return f"{path}:{span.line}" if span.line and path else path


class Cards:
    """Writes findings, and names their policies, projects and environments by number: no name is in a selector."""

    def __init__(self, report: Report) -> None:
        self._report = report
        shown = report.counted()
        self._places = {id(finding): number for number, finding in enumerate(in_order(shown))}
        self.policies = _numbers(finding.policy.id for finding in report.findings)
        self.packs = _numbers(finding.policy.pack for finding in shown)
        self.projects = _numbers(name for finding in shown for name in self.projects_of(finding))
        self.environments = _numbers(name for finding in shown for name in environments_of(finding))

    def projects_of(self, finding: Finding) -> Sequence[str]:
        """Give the projects that a finding is about: its own, and those whose money it puts at stake."""
        names = (finding.project, *(part.project for part in finding.exposure))
        return [shown_path(self._report, name) for name in dict.fromkeys(names)]

    def card(self, finding: Finding) -> Html:
        """Write one finding."""
        policy, severity = finding.policy, finding.severity.label
        return fragment(
            "finding",
            fingerprint=finding.fingerprint,
            severity=severity,
            status=finding.status,
            pack=self.packs[policy.pack],
            projects=" ".join(str(self.projects[name]) for name in self.projects_of(finding)),
            environments=" ".join(str(self.environments[name]) for name in environments_of(finding)),
            policy=self.policies[policy.id],
            guardrail=policy.guardrail.enforce,
            most=f"{most_of(finding.monthly):.2f}",
            place=self._places[id(finding)],
            badge=fragment("badge", kind=finding.status, text=finding.status) if finding.status else EMPTY,
            message=spoken(finding.message),
            money=exposure_of(finding),
            where=place_of(self._report, finding.at),
            name=policy.id,
            context=self._context(finding),
            facts=joined(_facts(finding)),
            code=self._code(finding),
            related=self._related(finding),
            parts=self._parts(finding),
            dialect=fix_language(finding),
            repair=_repair(finding),
        )

    def _context(self, finding: Finding) -> Html:
        """Name the project, unless the path says it already, and the environments."""
        path, project = shown_path(self._report, finding.at.path), self.projects_of(finding)[0]
        told = f"{path}/".startswith(f"{project}/")
        names = [name for name in ("" if told else project, *environments_of(finding)) if name]
        return joined(fragment("context", text=name) for name in names)

    def _code(self, finding: Finding) -> Html:
        document = self._report.documents.get(finding.at.path)
        lines = excerpt(document, finding.at, _AROUND, _ROOM) if document is not None else []
        if not lines:
            return EMPTY
        where = place_of(self._report, finding.at)
        return fragment("code", where=where, lines=joined(_line(number, line) for number, line in lines))

    def _related(self, finding: Finding) -> Html:
        places = [self._place(one.what, one.span) for one in finding.related[:_RELATED]]
        left = len(finding.related) - _RELATED
        if left > 0:
            places.append(fragment("item", content=f"and {left} more"))
        return fragment("related", places=joined(places)) if places else EMPTY

    def _place(self, what: str, span: Span) -> Html:
        document = self._report.documents.get(span.path)
        found = snippet(document, span, _ROOM) if document is not None else None
        code = fragment("place-code", text=found.text.strip()) if found is not None else EMPTY
        return fragment("place", what=what, where=place_of(self._report, span), code=code)

    def _parts(self, finding: Finding) -> Html:
        rows = [self._part(finding, part) for part in finding.exposure[:_PARTS]]
        left = len(finding.exposure) - _PARTS
        if left > 0:
            rows.append(fragment("part", how=f"and {left} more", of="", money=""))
        return fragment("parts", rows=joined(rows)) if rows else EMPTY

    def _part(self, finding: Finding, part: Part) -> Html:
        project = shown_path(self._report, part.project) if part.project != finding.project else ""
        resource = part.resource if part.resource != finding.resource else ""
        environment = part.environment if part.environment != finding.environment else ""
        of = ", ".join([*(name for name in (resource, project, environment) if name), f"price: {part.basis}"])
        money = range_of(sum_of((part,), part.per)) or range_of(Money(part.low, part.high))
        return fragment("part", how=part.how, of=of, money=f"{money} a {part.per}" if money else "")


def environments_of(finding: Finding) -> Sequence[str]:
    """Give the environments that a finding is about, an empty name for none."""
    names = dict.fromkeys((finding.environment, *(part.environment for part in finding.exposure)))
    return [name for name in names if name] or [""]


def _numbers(names: Iterable[str]) -> Mapping[str, int]:
    return {name: number for number, name in enumerate(sorted(set(names)), 1)}


def _facts(finding: Finding) -> Iterable[Html]:
    if finding.was:
        yield fragment("fact", label="was", text=finding.was)
    if finding.when:
        yield fragment("fact", label="when", text=finding.when)
    if finding.construct:
        yield fragment("fact", label="construct", text=fragment("mono", text=finding.construct))
    if finding.resource:
        yield fragment("fact", label="resource", text=fragment("mono", text=finding.resource))
    if finding.also:
        more = len(finding.also) - _ALSO
        listed = [fragment("mono", text=address) for address in finding.also[:_ALSO]]
        listed += [text(f"and {more} more")] if more > 0 else []
        yield fragment("fact", label="also", text=joined(listed, ", "))


def _repair(finding: Finding) -> Html:
    """Say what mlguard itself can do about the finding, or why it does not."""
    repair = finding.repair
    if repair is None:
        return EMPTY
    if repair.refused:
        return fragment("refused", text=repair.refused)
    command = "mlguard scan --fix" if repair.safe else "mlguard scan --fix --unsafe-fixes"
    return fragment("repair", what=repair.what, command=command)


def _line(number: int, line: Snippet) -> Html:
    mark = fragment("mark", text=_code_text(line.marked)) if line.marked else EMPTY
    return fragment("line", number=number, before=_code_text(line.before), mark=mark, after=_code_text(line.after))


def _code_text(content: str) -> Html:
    return text(content, 0)
