"""JUnit XML as its readers see it: junitparser, and the standard library's own."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

from junitparser import JUnitXml
from junitparser.junitparser import Failure, Skipped, TestCase, TestSuite

from mlguard.finding import Finding, Report
from mlguard.policy.model import Policy
from mlguard.render.escape import visible
from mlguard.render.junit import render

# What the schema of Jenkins (junit-10.xsd) knows of the elements that are used.
ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped"},
    "testcase": {"name", "classname"},
    "failure": {"type", "message"},
    "skipped": {"type", "message"},
}
INSIDE = {"testsuites": {"testsuite"}, "testsuite": {"testcase"}, "testcase": {"failure", "skipped"}}


def suites_of(text: str) -> dict[str, TestSuite]:
    return {suite.name: suite for suite in JUnitXml.fromstring(text.encode())}


def cases_of(suite: TestSuite) -> dict[str, TestCase]:
    return {case.name: case for case in suite}


def test_one_of_everything(full_report: Report) -> None:
    text = render(full_report)
    suites = suites_of(text)
    assert list(suites) == ["problems", "sagemaker"]
    assert (suites["sagemaker"].tests, suites["sagemaker"].failures, suites["sagemaker"].skipped) == (7, 3, 4)
    cases = cases_of(suites["sagemaker"])
    worst = cases["infra/nb.tf aws_sagemaker_notebook_instance.nb instance_type"]
    assert worst.classname == "sagemaker.notebook-instance-type-not-allowed"
    (failure,) = worst.result
    assert isinstance(failure, Failure)
    assert (failure.type, failure.message) == ("critical", "ml.p4d.24xlarge is not allowed in dev")
    assert str(failure.text).splitlines() == [
        "infra/nb.tf:2:2: ml.p4d.24xlarge is not allowed in dev",
        "when Env = prod",
        "at stake: $18,433 to $29,850 a month",
        "fix: Choose an allowed type.",
    ]
    (accepted,) = cases["infra/nb.tf aws_sagemaker_notebook_instance.nb other"].result
    assert isinstance(accepted, Skipped)
    assert accepted.message == "suppressed: the team knows"
    (undecided,) = cases["infra/nb.tf aws_s3_bucket.a"].result
    assert undecided.message == "undecided: var.size has no value"
    assert [case.result[0].message for case in suites["problems"]] == ["not YAML: a tab indents", "too large"]


def test_a_policy_without_a_finding_passes(
    make_report: Callable[..., Report], make_policy: Callable[..., Policy]
) -> None:
    text = render(make_report(policies=(make_policy(), make_policy(id="other", pack="s3"))))
    suites = suites_of(text)
    assert {name: (suite.tests, suite.failures) for name, suite in suites.items()} == {
        "s3": (1, 0),
        "sagemaker": (1, 0),
    }
    assert all(case.is_passed for suite in suites.values() for case in suite)


def test_only_what_the_change_made_fails(compared_report: Report) -> None:
    cases = cases_of(suites_of(render(compared_report))["sagemaker"])
    results = {name.rpartition(" ")[2]: [type(one).__name__ for one in case.result] for name, case in cases.items()}
    assert results == {
        "instance_type": ["Failure"],
        "old": ["Skipped"],
        "other": ["Skipped"],
        "worse": ["Failure"],
        "gone": [],
    }
    (old,) = cases["infra/nb.tf aws_sagemaker_notebook_instance.nb old"].result
    assert old.message == "existing: older than this change"


def test_names_stay_when_lines_move(make_finding: Callable[..., Finding], make_report: Callable[..., Report]) -> None:
    first, second = make_finding(), make_finding(repeat=1)
    assert list(cases_of(suites_of(render(make_report(first, second)))["sagemaker"])) == [
        "infra/nb.tf aws_sagemaker_notebook_instance.nb instance_type",
        "infra/nb.tf aws_sagemaker_notebook_instance.nb instance_type #2",
    ]


def test_hostile_text_adds_no_structure(make_hostile_report: Callable[[str], Report], hostile: str) -> None:
    text = render(make_hostile_report(hostile))
    root = ET.fromstring(text)  # noqa: S314  (wrote it itself)
    for element in root.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag]
        assert {inner.tag for inner in element} <= INSIDE.get(element.tag, set())
    assert [element.tag for element in root.iter()].count("testcase") == 2 + 1 + 1 + 2
    shown = "".join(part if part == "\t" else visible(part) for part in hostile.replace("\n", " "))
    failures = [element for element in root.iter("failure") if element.get("type") == "high"]
    assert [shown[:200]] == [str(one.get("message"))[:200] for one in failures]
    assert sum(len(list(suite)) for suite in suites_of(text).values()) == 6
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
