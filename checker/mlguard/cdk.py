"""mlguard as a policy validation plugin of CDK apps in Python: a finding fails the synthesis.

    import aws_cdk as cdk
    from mlguard.cdk import Plugin

    app = cdk.App()
    cdk.Validations.of(app).add_plugins(Plugin())

The verdicts are those of `mlguard scan cdk.out`: the same policies, and the `.mlguard.yaml` of the repository. Of
aws-cdk-lib without `Validations`, give the plugin as `cdk.App(policy_validation_beta1=[Plugin()])`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlguard import __version__
from mlguard.configuration import Configurations
from mlguard.errors import UsageError
from mlguard.finding import Finding, Report
from mlguard.policy.model import Severity
from mlguard.record import replace
from mlguard.render.advice import fix_by_hand
from mlguard.scan import Options, scan
from mlguard.scan.selection import Selection, named_environment
from mlguard.source import Root
from mlguard.source.root import root_of

if TYPE_CHECKING:
    import aws_cdk

_HOST_TRACES = "JSII_HOST_STACK_TRACES"
_SEVERITIES = ", ".join(severity.label for severity in Severity)


class Plugin:
    """The plugin; what it is made with is what the options of `mlguard scan` of these names say.

    Make it before the stacks: it asks the CDK to note the line of every construct that is made after it. UsageError
    or ConfigurationError when it cannot be made.
    """

    def __init__(
        self,
        *,
        environment: str = "",
        region: str = "",
        select: Sequence[str] = (),
        ignore: Sequence[str] = (),
        fail_on: str = "",
    ) -> None:
        self._cdk = _aws_cdk()
        self._root = Root(root_of([Path()]))
        configurations = Configurations(self._root)
        selection = Selection(self._root, configurations, select=select, ignore=ignore)
        terms = selection("")
        if fail_on and fail_on not in _SEVERITIES.split(", "):
            raise UsageError(f'there is no severity "{fail_on}"; there are {_SEVERITIES}')
        self._fail_on = Severity.named(fail_on) if fail_on else None
        self._options = Options(
            root=self._root,
            policies=terms.policies,
            known=terms.known,
            mandatory=terms.mandatory,
            configuration=terms.configuration,
            environment=named_environment(environment, terms.configuration),
            region=region,
            rates=terms.rates,
            configurations=configurations,
            terms_of=selection,
        )
        os.environ.setdefault(_HOST_TRACES, "1")

    @property
    def name(self) -> str:
        """Give the name that acknowledgements begin with: `mlguard::bucket-without-lifecycle`."""
        return "mlguard"

    @property
    def version(self) -> str:
        """Give mlguard's version."""
        return __version__

    @property
    def rule_ids(self) -> list[str]:
        """Give the ids of the policies that are judged."""
        return [policy.id for policy in self._options.policies]

    def validate(self, context: aws_cdk.IPolicyValidationContext) -> aws_cdk.PolicyValidationPluginReport:
        """Scan the assembly that was just written, and report what was found in the stacks of the context."""
        folder = _top_folder(Path(context.template_paths[0]))
        inside = self._root.folder in folder.parents
        root = self._root if inside else Root(folder.parent)
        options = self._options if inside else replace(self._options, configurations=None, terms_of=None)
        report = scan(replace(options, root=root, paths=(folder.relative_to(root.folder).as_posix(),)))
        violations = [*self._violations(report, root, _stacks(context)), *self._unread(report)]
        made: aws_cdk.PolicyValidationPluginReport = self._new(
            "PolicyValidationPluginReport",
            success=all(violation.severity != "error" for violation in violations),
            violations=violations,
            metadata=_remarks(report),
        )
        return made

    def _violations(
        self, report: Report, root: Root, stacks: Sequence[str] | None
    ) -> Iterator[aws_cdk.PolicyViolation]:
        found = [one for one in report.counted() if stacks is None or _stack_of(one, stacks) is not None]
        for (policy, severity, text), same in groupby(sorted(found, key=_kind_of), key=_kind_of):
            findings = list(same)
            yield self._new(
                "PolicyViolation",
                rule_name=policy,
                description=text,
                severity="error" if severity >= (self._fail_on or min(one.fail_on for one in findings)) else "warning",
                fix=fix_by_hand(findings[0]),
                rule_metadata={"severity": severity.label, "why": " ".join(findings[0].policy.why.split())},
                violating_resources=[self._resource(one, root, stacks) for one in findings],
            )

    def _resource(self, finding: Finding, root: Root, stacks: Sequence[str] | None) -> object:
        places = [finding.at.path, *(one.span.path for one in finding.related)]
        template = next((path for path in places if path.endswith(".template.json")), None)
        where = str(root.folder / template) if template is not None else ""
        if stacks is None:  # a version that names resources by their logical id only
            logical_id = finding.resource.split("/job:")[0].rpartition("/")[2]
            return self._new(
                "PolicyViolatingResource", resource_logical_id=logical_id, template_path=where, locations=[]
            )
        construct = finding.construct or _stack_of(finding, stacks)
        return self._new("PolicyViolatingResource", construct_path=construct, template_path=where or None, locations=[])

    def _unread(self, report: Report) -> Iterator[aws_cdk.PolicyViolation]:
        """Fail for what could not be read: a run with problems is not to be trusted."""
        for problem in report.problems:
            yield self._new(
                "PolicyViolation",
                rule_name="cannot-be-read",
                description=str(problem),
                severity="error",
                violating_resources=[],
            )

    def _new(self, name: str, **fields: object) -> Any:  # noqa: ANN401  (its class depends on the CDK's version)
        return (getattr(self._cdk, name, None) or getattr(self._cdk, f"{name}Beta1"))(**fields)


def _aws_cdk() -> Any:  # noqa: ANN401  (a module that is there or not)
    """Import aws-cdk-lib, which only CDK apps have, and declare the plugin as what the CDK calls one."""
    try:
        import aws_cdk  # noqa: PLC0415
        import jsii  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(f"mlguard.cdk is for CDK apps in Python: pip install aws-cdk-lib ({error})") from error
    if "__jsii_ifaces__" not in vars(Plugin):
        names = ("IPolicyValidationPlugin", "IPolicyValidationPluginBeta1")
        jsii.implements(*(getattr(aws_cdk, name) for name in names if hasattr(aws_cdk, name)))(Plugin)
    return aws_cdk


def _stacks(context: aws_cdk.IPolicyValidationContext) -> list[str] | None:
    """Give the construct paths of the stacks to be validated; None of a version that does not tell them."""
    try:
        return [stack.stack_construct_path for stack in context.stack_templates]
    except AttributeError:
        return None


def _top_folder(template: Path) -> Path:
    """Give the folder of the whole assembly that a template is in, of the assembly of a stage too."""
    folder = template.resolve().parent
    while (folder.parent / "manifest.json").is_file() and (folder.parent / "cdk.out").is_file():
        folder = folder.parent
    return folder


def _stack_of(finding: Finding, stacks: Sequence[str]) -> str | None:
    """Give the construct path of the stack that a finding is in; the first one for a finding about the whole app."""
    if not finding.resource:
        return stacks[0]
    return next((path for path in stacks if f"{finding.construct}/".startswith(f"{path}/")), None)


def _kind_of(finding: Finding) -> tuple[str, Severity, str]:
    return finding.policy.id, finding.severity, finding.message


def _remarks(report: Report) -> dict[str, str]:
    remarks = {"checks": str(report.counts.checks), "undecided": str(len(report.undecided))}
    return {**remarks, "notes": "; ".join(report.notes)} if report.notes else remarks
