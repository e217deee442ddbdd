"""What a fix of a policy must do: mend each example that fails, once, and leave the rest of the text as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from mlguard.authoring import fix_faults, mended_example
from mlguard.bundled import policies_folder
from mlguard.configuration import Configuration, parse_configuration
from mlguard.policy.load import bundled_policies, read_policy
from mlguard.policy.model import Example, Fix, Policy, Recipe
from mlguard.record import replace
from mlguard.source import Document

_IN_A_DEFINITION = "it stands in a definition inside of another resource: mend it there by hand"
REFUSED = {
    ("repository-without-lifecycle-policy", 1): "another value stands there",
    ("tuning-job-without-limits", 0): _IN_A_DEFINITION,
}
"""Examples that a fix is meant for, and where it cannot be certain, with the reason."""
WITHOUT = {
    "interactive-service-without-idle-stop": (4, 5, 6, 8),
    "job-without-runtime-limit": (1,),
    "model-monitor-oversampled": (1, 2),
    "training-without-spot": (0, 1),
    "tuning-job-without-limits": (3,),
    "vector-store-oversized": (1, 2, 4),
    "versioned-bucket-keeps-old-versions": (5,),
}
"""Examples of a mistake that has no fix although its policy has some for others."""
_COMMENT = re.compile(r"(?:#|//)[^\n\"']*$", re.MULTILINE)


def _configuration() -> Configuration:
    text = "parameters: {budget_alert_address: team@example.com}\n"
    return parse_configuration(Document(".mlguard.yaml", text))


def _policies() -> list[Policy]:
    return [read_policy(policies_folder() / one.path, one.path) for one in bundled_policies() if one.fixes]


def _examples() -> Iterator[Any]:
    for policy in _policies():
        for number, example in enumerate(policy.examples):
            if example.expect == "fail" and number not in WITHOUT.get(policy.id, ()):
                yield pytest.param(policy, number, example, id=f"{policy.id}-{number}-{example.language}")


def _without() -> Iterator[Any]:
    for policy in _policies():
        for number in WITHOUT.get(policy.id, ()):
            yield pytest.param(policy, policy.examples[number], id=f"{policy.id}-{number}")


def test_the_policies_that_must_mend_what_they_find_do() -> None:
    assert {policy.id for policy in _policies()} >= {
        "bucket-without-lifecycle",
        "unfinished-uploads-kept",
        "versioned-bucket-keeps-old-versions",
        "log-group-without-retention",
        "repository-without-lifecycle-policy",
        "studio-without-idle-shutdown",
        "studio-idle-timeout-too-long",
        "cluster-without-auto-termination",
        "training-without-spot",
        "instance-type-unconstrained",
        "ml-project-without-budget",
    }


@pytest.mark.parametrize(("policy", "number", "example"), list(_examples()))
def test_a_fix_mends_the_example_once_and_keeps_its_comments(policy: Policy, number: int, example: Example) -> None:
    report, made = mended_example(policy, example, _configuration())
    reason = REFUSED.get((policy.id, number))
    if reason is not None:
        refused = [finding.repair.refused for finding in report.findings if finding.repair is not None]
        assert not made.texts
        assert any(reason in one for one in refused), refused
        return
    assert not made.refused
    assert len(made.fixed) == len(report.findings)
    path, text = next(iter(made.texts.items()))
    for comment in _COMMENT.findall(report.documents[path].text):
        assert comment in text
    again = Example(
        expect="pass",
        language=example.language,
        code=text,
        line=1,
        environment=example.environment,
        region=example.region,
        files=example.files,
    )
    after, more = mended_example(policy, again, _configuration())
    assert not after.problems
    assert not after.findings
    assert not after.undecided
    assert not more.texts


@pytest.mark.parametrize(("policy", "example"), list(_without()))
def test_an_example_without_a_fix_is_left_alone(policy: Policy, example: Example) -> None:
    report, made = mended_example(policy, example, _configuration())
    assert report.findings
    assert not made.texts
    assert not made.refused


def test_a_project_without_an_address_gets_no_budget_and_is_told_why() -> None:
    policy = next(one for one in _policies() if one.id == "ml-project-without-budget")
    example = next(one for one in policy.examples if one.expect == "fail")
    report, made = mended_example(policy, example)
    assert not made.texts
    repair = report.findings[0].repair
    assert repair is not None
    assert repair.refused == "set the parameter budget_alert_address in .mlguard.yaml first"


def test_an_author_is_told_of_a_fix_that_does_not_mend() -> None:
    policy = next(one for one in _policies() if one.id == "log-group-without-retention")
    useless = Fix(
        safe=True,
        what="keep it",
        properties=(),
        when=None,
        replace=None,
        recipes={"terraform": (Recipe(set={"skip_destroy": True}),)},
    )
    example = next(one for one in policy.examples if one.expect == "fail" and one.language == "terraform")
    faults = fix_faults(replace(policy, fixes=(useless,)), example)
    assert len(faults) == 1
    assert faults[0].startswith("its fix does not mend the example: the finding is not gone")
