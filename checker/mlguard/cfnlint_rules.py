"""mlguard's policies as rules of cfn-lint: `cfn-lint -a mlguard.cfnlint_rules template.yaml`.

One class stands here for each policy, made of the catalogue's number: MLG201 is E9201. The letter follows the
severity, E of critical and high, W of medium and low, I of info; cfn-lint keeps the numbers from 9000 free for others.
Each rule only passes on what one scan of the template found, so that the verdicts are those of `mlguard scan`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

from mlguard.configuration import Configurations
from mlguard.errors import MlguardError
from mlguard.finding import Finding, Report
from mlguard.policy.load import bundled_policies
from mlguard.policy.model import Policy, Severity
from mlguard.record import field, record
from mlguard.scan import Options, scan
from mlguard.scan.selection import Selection
from mlguard.source import Root, Span
from mlguard.source.root import root_of

_CATALOGUE = re.compile(r"MLG(\d{3,4})\Z")
_OWN, _PROBLEM = "W9000", "E9000"


def rule_id(policy: Policy) -> str:
    """Give the id of the rule that speaks for a policy; a policy of a user's own has none of its own: W9000."""
    numbers = [match[1] for alias in policy.aliases if (match := _CATALOGUE.match(alias)) is not None]
    if not numbers:
        return _OWN
    letter = "E" if policy.severity >= Severity.HIGH else "W" if policy.severity >= Severity.LOW else "I"
    return f"{letter}9{numbers[0]}"


@record(frozen=False)
class _Scanned:
    """What one scan said of the template that is being linted, by rule; kept until there is another template."""

    template: Template | None = None
    matches: dict[str, list[RuleMatch]] = field(default_factory=dict)

    def of(self, template: Template, rule: str) -> list[RuleMatch]:
        """Give what a rule says of a template."""
        if self.template is not template:
            self.template, self.matches = template, {}
            try:
                found = list(_matches(template))
            except MlguardError as error:
                found = [(_PROBLEM, RuleMatch([], str(error)))]
            for name, match in found:
                self.matches.setdefault(name, []).append(match)
        return self.matches.get(rule, [])


_SCANNED = _Scanned()


class _Rule(CloudFormationLintRule):  # type: ignore[misc]  # cfn-lint has no types
    """What the rules have in common; without an id, cfn-lint passes it over."""

    tags: ClassVar[list[str]] = ["mlguard", "cost"]

    def match(self, cfn: Template) -> Iterable[RuleMatch]:
        """Give the findings of the policy."""
        return _SCANNED.of(cfn, self.id)


def _matches(template: Template) -> Iterator[tuple[str, RuleMatch]]:
    if not template.filename:
        yield _PROBLEM, RuleMatch([], "mlguard reads files: give cfn-lint the path of the template")
        return
    path = Path(template.filename)
    root = Root(root_of([path]))
    relative = path.absolute().relative_to(root.folder).as_posix()
    report = _report(root, relative)
    for problem in report.problems:
        line, column = max(problem.line, 1), max(problem.column, 1)
        at = Span(problem.path, line, column, line, column)
        yield _PROBLEM, RuleMatch([], problem.message, location=_location(at))
    for finding in report.counted():
        yield rule_id(finding.policy), _match(finding, relative)


def _report(root: Root, path: str) -> Report:
    configurations = Configurations(root)
    selection = Selection(root, configurations)
    terms = selection(path)
    return scan(
        Options(
            root=root,
            paths=(path,),
            policies=terms.policies,
            known=terms.known,
            mandatory=terms.mandatory,
            configuration=terms.configuration,
            rates=terms.rates,
            configurations=configurations,
            terms_of=selection,
        )
    )


def _match(finding: Finding, path: str) -> RuleMatch:
    """Place a finding where mlguard places it; one in a nested template at the stack that deploys it."""
    logical_id = finding.resource.partition("/")[0]
    where = ["Resources", logical_id] if logical_id else ["Resources"]
    own = rule_id(finding.policy) != _OWN
    text = finding.message if own else f"{finding.policy.id}: {finding.message}"
    if finding.when:
        text = f"{text} (when {finding.when})"
    if finding.at.path != path:
        return RuleMatch(where, f"{text} ({finding.at.path}:{finding.at.line})")
    return RuleMatch(where, text, location=_location(finding.at))


def _location(at: Span) -> tuple[int, int, int, int]:
    """Count from 0, as cfn-lint does."""
    return at.line - 1, at.column - 1, at.end_line - 1, at.end_column - 1


def _classes(policies: Iterable[Policy]) -> Mapping[str, type[_Rule]]:
    made = {}
    for policy in policies:
        name = rule_id(policy)
        description = f"{policy.id}: {' '.join(policy.why.split())}"
        made[name] = _class(name, policy.title, description, next(iter(policy.references), ""))
    made[_OWN] = _class(_OWN, "A policy of your own", "What a policy of your own finds")
    made[_PROBLEM] = _class(_PROBLEM, "What mlguard cannot read", "The template was not judged")
    return made


def _class(name: str, title: str, description: str, source: str = "") -> type[_Rule]:
    fields = {"id": name, "shortdesc": title, "description": description, "source_url": source, "__doc__": title}
    return type(name, (_Rule,), fields)


globals().update(_classes(bundled_policies()))  # cfn-lint makes a rule of every class that stands in the module
