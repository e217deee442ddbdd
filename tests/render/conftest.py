"""Reports to render, made of real policies and documents, and strings that try to break out of an output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlguard.errors import LimitError, ParseError
from mlguard.finding import (
    Comparison,
    Counts,
    Finding,
    Money,
    Part,
    Provenance,
    Remark,
    Report,
    Suppression,
    Undecided,
)
from mlguard.policy.model import Check, Guardrail, Policy, Severity
from mlguard.record import replace
from mlguard.resource import Related
from mlguard.source import Document, Span

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "::error file=a.tf::pwned",
    "x\n::error::pwned",
    "x\r::set-output name=a::b",
    "x%0A::error::pwned",
    "  ::warning::indented",
    "##[error]pwned ##vso[task.complete result=Failed;]done",
    "##teamcity[buildStatus text='x']",
    "`code` ``more`` ```fence``` `",
    "a | b \\| c \\\\| d",
    "<script>alert(1)</script><img src=x onerror=y>",
    "![x](https://evil.example/?q) [click](javascript:x) <https://evil.example> www.evil.example @everyone #1",
    "{0} {1} [link](1) {{2}}",
    "abc\u202edcba\u2066\u200f\u061c",
    "line\u2028separator\u2029here\x85next",
    "lone \udc80 \ud800 surrogate",
    "]]> --> &amp; &#x1b;",
    "=cmd|' /C calc'!A0",
    "--output=/etc/passwd, a:b,c",
    "\x00\x01\x7f\x9b\ufffe\uffff\U000e0041",
    "name" * 5000,
    "a\n\n# heading\n- item\n\n```\ncode\n",
    "{message.__class__.__init__.__globals__} %s %(x)s [bold red]rich[/]",
    "世界 e\u0301 \U0001f600 \t tab",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `hostile` with each of the strings."""
    if "hostile" in metafunc.fixturenames:
        metafunc.parametrize("hostile", HOSTILE, ids=[f"hostile{number}" for number in range(len(HOSTILE))])


SOURCE = 'resource "aws_sagemaker_notebook_instance" "nb" {\n\tinstance_type = "ml.p4d.24xlarge" # 世界\n}\n'


def _policy(**changes: Any) -> Policy:  # noqa: ANN401  (any field of a policy)
    fields: dict[str, Any] = {
        "id": "notebook-instance-type-not-allowed",
        "title": "Notebook runs on an instance type that its environment does not allow",
        "severity": Severity.HIGH,
        "pack": "sagemaker",
        "since": "0.1.0",
        "applies_to": ("sagemaker.notebook_instance",),
        "require": Check("instance_type", "in", ("ml.t3.medium",)),
        "when": None,
        "raise_severity_when": None,
        "messages": {"": "{instance_type} is not allowed"},
        "why": "A notebook is billed for every hour that it is in service.\n\nUsed or not.",
        "fix_by_hand": {
            "terraform": 'Choose an allowed type:\n\n    instance_type = "ml.t3.medium"\n',
            "cloudformation": "Set `InstanceType` to an allowed type.",
            "cdk": "Pass an allowed `instanceType`.",
        },
        "guardrail": Guardrail("preventive", "Does not stop notebooks that run already."),
        "aliases": ("MLG001",),
        "references": ("https://docs.example.com/notebooks",),
    }
    return Policy(**{**fields, **changes})


def _finding(**changes: Any) -> Finding:  # noqa: ANN401  (any field of a finding)
    fields: dict[str, Any] = {
        "policy": _policy(),
        "severity": Severity.HIGH,
        "message": "ml.p4d.24xlarge is not allowed in dev",
        "at": Span("infra/nb.tf", 2, 2, 2, 35),
        "project": "infra",
        "resource": "aws_sagemaker_notebook_instance.nb",
        "resource_type": "aws_sagemaker_notebook_instance",
        "leaf": "instance_type",
    }
    return Finding(**{**fields, **changes})


def _report(*findings: Finding, **changes: Any) -> Report:  # noqa: ANN401  (any field of a report)
    fields: dict[str, Any] = {
        "findings": findings,
        "problems": (),
        "undecided": (),
        "counts": Counts(scanned=1, projects=1, resources=1, checks=1),
        "policies": (_policy(),),
        "documents": {"infra/nb.tf": Document("infra/nb.tf", SOURCE)},
    }
    return Report(**{**fields, **changes})


def _part(**changes: Any) -> Part:  # noqa: ANN401  (any field of a part)
    fields: dict[str, Any] = {
        "project": "infra",
        "environment": "sandbox",
        "resource": "aws_sagemaker_notebook_instance.nb",
        "name": "machines.0",
        "low": 18433.45,
        "high": 29849.99,
        "per": "month",
        "basis": "derived",
        "how": "ml.p4d.24xlarge, 730 h x $25.25 in us-east-1 to $40.89 in sa-east-1",
    }
    return Part(**{**fields, **changes})


@pytest.fixture(scope="session")
def make_part() -> Callable[..., Part]:
    """Give the function that makes one part of the money at stake."""
    return _part


def _full() -> Report:
    """Make a report with one of everything."""
    header = Span("infra/nb.tf", 1, 10, 1, 48)
    bucket = _policy(
        id="bucket-without-lifecycle",
        severity=Severity.MEDIUM,
        why="Storage grows.",
        fix_by_hand={"terraform": "Add a rule."},
        guardrail=Guardrail("none", ""),
    )
    return _report(
        _finding(
            severity=Severity.CRITICAL,
            when="Env = prod",
            related=(Related(Span("main.tf", 3, 1, 3, 9), "called here"),),
            exposure=(_part(),),
        ),
        _finding(at=header, policy=bucket, severity=Severity.MEDIUM, message="nothing expires", leaf=""),
        _finding(at=Span("infra/nb.tf", 1, 10, 3, 2), message="the whole block", leaf="tags"),
        _finding(leaf="other", suppressed=Suppression("the team knows", Span("infra/nb.tf", 2, 37, 2, 40))),
        problems=(ParseError("not YAML: a tab indents", "infra/bad.yaml", 4, 2), LimitError("too large", "big.json")),
        undecided=(
            Undecided(bucket, "var.size has no value", header, "aws_s3_bucket.a", "infra"),
            Undecided(bucket, "var.size has no value", Span("infra/nb.tf", 2, 2, 2, 3), "aws_s3_bucket.b", "infra"),
            Undecided(bucket, "a remote module is not read", header, "", "infra"),
        ),
        counts=Counts(10, 1, 2, 3, 2, 34, 99),
        policies=(bucket, _policy()),
        notes=("1 ignore is unused",),
    )


def _compared() -> Report:
    """Make a report of a run that is compared: one new finding, one worse, one existing, one fixed, one suppressed."""
    return _report(
        _finding(status="new", exposure=(_part(),)),
        _finding(leaf="worse", status="worse", was="ml.t3.medium", severity=Severity.MEDIUM),
        _finding(leaf="old", status="existing", message="as it was"),
        _finding(
            leaf="other", status="new", suppressed=Suppression("the team knows", Span("infra/nb.tf", 2, 37, 2, 40))
        ),
        comparison=Comparison(
            "main at 1a2b3c4",
            (_finding(leaf="gone", status="fixed", message="it is no more", exposure=(_part(low=50.0, high=60.0),)),),
            Money(100.0, 200.0),
            Money(18433.45, 29849.99),
        ),
        remarks=(
            Remark("suppression", "this change adds an ignore", "infra/nb.tf", 2),
            Remark("scope", "less is read"),
        ),
        provenance=Provenance(
            "1.2.3", ".mlguard.yaml", "abcd", "origin/main", 73, "ef01", "2026-07-20", ("--fail-on=low",)
        ),
    )


def _hostile_report(text: str) -> Report:
    """Put a string everywhere that a stranger can put one, the source line and the policy included."""
    policy = _policy(
        id=f"own-{text}", title=text, why=text, pack=text, fix_by_hand={"cloudformation": text}, aliases=(text,),
        guardrail=Guardrail("protective", text), references=(f"https://{text}", text), built_in=False,
    )  # fmt: skip
    document = Document(text, f"{text}\n{text}: {text}\n")
    at = Span(text, 2, 1, 2, 4)
    finding = Finding(
        policy, Severity.HIGH, text, at, text, text, text, text, text, text, "",
        (Related(at, text), Related(Span(text, 1, 1, 1, 2), "called here")),
        exposure=(_part(project=text, environment=text, resource=text, name=text, how=text),), status="worse", was=text,
    )  # fmt: skip
    hidden = Finding(
        policy,
        Severity.LOW,
        text,
        at,
        text,
        text,
        text,
        f"{text}2",
        suppressed=Suppression(text, Span(text, 1, 1, 1, 2)),
    )
    return Report(
        (finding, hidden),
        (ParseError(text, text, 3), ParseError(text)),
        (Undecided(policy, text, at, text, text),),
        Counts(1, 0, 1, 0, 1, 1, 1),
        (policy,),
        {text: document},
        (text,),
        comparison=Comparison(text, (replace(finding, status="fixed"),), Money(), Money(1.0, 2.0)),
        remarks=(Remark("scope", text, text, 2), Remark("scope", text)),
        provenance=Provenance(text, text, text, text, 1, text, text, (text,)),
    )


@pytest.fixture(scope="session")
def make_policy() -> Callable[..., Policy]:
    return _policy


@pytest.fixture(scope="session")
def make_finding() -> Callable[..., Finding]:
    return _finding


@pytest.fixture(scope="session")
def make_report() -> Callable[..., Report]:
    return _report


@pytest.fixture(scope="session")
def full_report() -> Report:
    return _full()


@pytest.fixture(scope="session")
def make_hostile_report() -> Callable[[str], Report]:
    return _hostile_report


@pytest.fixture(scope="session")
def compared_report() -> Report:
    return _compared()
