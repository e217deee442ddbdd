"""CDK apps: what is committed of them is judged as it should be, and as what the CDK makes of them today."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mlguard.finding import Finding, Report
from mlguard.policy.load import bundled_policies
from mlguard.scan import Options, scan
from mlguard.scan.selection import choose
from mlguard.source import Root

FIXTURES = Path(__file__).parents[2] / "fixtures"
APPS = FIXTURES / "cdk" / "apps"
PLATFORM = FIXTURES / "platform" / "cdk"
Synthesize = Callable[..., subprocess.CompletedProcess[str]]
Places = set[tuple[str, str, str, int, str]]


def scanned(app: Path, region: str = "") -> Report:
    return scan(Options(Root(app), ("cdk.out",), policies=choose(bundled_policies(), (), ()), region=region))


def places(report: Report) -> Places:
    """Give what a report says and where, without the paths of templates: those are made of the CDK's hashes."""
    return {(one.policy.id, one.construct, one.at.path, one.at.line, one.message) for one in report.findings}


def of(report: Report, policy: str) -> list[Finding]:
    return [one for one in report.findings if one.policy.id == policy]


@pytest.mark.parametrize(("app", "source"), [("js", "lib/serving.js"), ("python", "research/stack.py")])
def test_every_finding_stands_in_the_source(app: str, source: str) -> None:
    report = scanned(APPS / app)
    assert not report.problems
    assert len(report.findings) > 20
    assert {one.at.path for one in report.findings} == {source}
    for one in report.findings:
        assert any(where.what == "synthesized here" and where.span.path.startswith("cdk.out/") for where in one.related)


def test_stages_nested_stacks_and_regions_are_told_apart() -> None:
    report = scanned(APPS / "js")
    dear = of(report, "premium-region")
    assert {one.construct for one in dear} == {"Prod/Serving-eu-west-1/Config", "Prod/Serving-eu-west-1/Notebook"}
    nested = {one.construct for one in of(report, "notebook-without-lifecycle-config")}
    assert nested == {
        f"{stack}/Training/Notebook" for stack in ("Dev", "Prod/Serving-us-east-1", "Prod/Serving-eu-west-1")
    }
    assert {one.environment for one in report.findings if one.construct.startswith("Prod/")} <= {"production", ""}
    assert of(scanned(APPS / "js", "eu-west-1"), "premium-region") != dear  # the stack Dev is in that region then


def test_acknowledgements_are_suppressions_with_a_reason() -> None:
    report = scanned(APPS / "python")
    accepted = [one for one in report.findings if one.suppressed is not None]
    assert {one.construct for one in accepted} == {
        f"{stack}/Data/Resource" for stack in ("Dev", "Prod/Research-us-west-2", "Prod/Research-sa-east-1")
    }
    for one in accepted:
        assert one.suppressed is not None
        assert one.suppressed.reason == "kept for seven years, by contract"
        assert (one.suppressed.at.path, one.suppressed.at.line) == ("research/stack.py", 36)


def test_what_was_not_looked_up_is_not_known() -> None:
    report = scanned(APPS / "python")
    assert not [one for one in report.findings if one.construct.endswith("/Shared")]
    assert {one.because for one in report.undecided if one.resource.endswith("/Shared")} == {
        "the context value of ssm /ml/size was missing when the app was synthesized"
    }
    assert any("(ssm /ml/size, vpc-provider, ami)" in note for note in report.notes)


@pytest.mark.parametrize("by_itself", [False, True])
def test_a_javascript_app_of_today_is_judged_as_the_committed_one(
    app_of: Callable[..., Path], synthesize: Synthesize, node_modules: Path, *, by_itself: bool
) -> None:
    app = app_of("js")
    (app / "node_modules").symlink_to(node_modules)
    run = synthesize(app, by_itself=by_itself)
    assert run.returncode == 0, run.stderr
    assert places(scanned(app)) == places(scanned(APPS / "js"))


def test_a_python_app_of_today_is_judged_as_the_committed_one(
    app_of: Callable[..., Path], synthesize: Synthesize
) -> None:
    app = app_of("python")
    run = synthesize(app, JSII_HOST_STACK_TRACES="1")
    assert run.returncode == 0, run.stderr
    assert places(scanned(app)) == places(scanned(APPS / "python"))


@pytest.mark.parametrize("version", ["wasteful", "good"])
def test_the_platform_that_is_committed_is_what_its_app_makes_today(
    app_of: Callable[..., Path], synthesize: Synthesize, version: str
) -> None:
    app = app_of(version, PLATFORM)
    run = synthesize(app, JSII_HOST_STACK_TRACES="1")
    assert run.returncode == 0, run.stderr
    made, committed = (
        json.loads((folder / "cdk.out" / "MlPlatform.template.json").read_text(encoding="utf-8"))
        for folder in (app, PLATFORM / version)
    )
    assert made == committed
    assert places(scanned(app)) == places(scanned(PLATFORM / version))
