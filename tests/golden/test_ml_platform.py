"""One ML platform in three spellings, as it grew and as it should be: the spelling never changes what is found.

What is one thing is named alike: `FeatureBucket` in the nested stack `Storage`, `feature_bucket` in `storage.tf`, and
`FeatureBucket` in the construct `Storage`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from mlguard.configuration import Configuration
from mlguard.finding import Finding, Report, sum_of
from mlguard.policy.load import bundled_policies
from mlguard.record import replace
from mlguard.scan import Options, projects_of, scan
from mlguard.scan.check import check_project
from mlguard.scan.selection import choose
from mlguard.source import Root
from mlguard.validate import template_errors

PLATFORM = Path(__file__).parents[2] / "fixtures" / "platform"
SPELLINGS = ("cloudformation", "terraform", "cdk")
OTHERS = SPELLINGS[1:]
REGIONS = {"wasteful": "eu-central-1", "good": "us-east-1"}
CONCERNS = {path.stem.capitalize() for path in PLATFORM.glob("terraform/*/*.tf")}


def options(spelling: str, version: str, select: str) -> Options:
    policies = choose(bundled_policies(), (select,), ())
    return Options(Root(PLATFORM), (f"{spelling}/{version}",), policies=policies, region=REGIONS[version])


@cache
def scanned(spelling: str, version: str, select: str) -> Report:
    return scan(replace(options(spelling, version, select), validate=template_errors if select == "strict" else None))


def logical(address: str, construct: str = "") -> str:
    """Give what a resource is called in all spellings; a job in it is named behind a slash.

    >>> logical("Training/Machine/Fit"), logical("aws_sfn_state_machine.machine/Fit")
    ('Machine/Fit', 'Machine/Fit')
    >>> logical("Ml/TrainingMachineABCD/Fit", "Ml/Training/Machine/Resource")
    'Machine/Fit'
    """
    first, *rest = address.split("/")
    if construct:
        names, inside = construct.split("/")[1:], rest[1:]
    elif "." in first:
        names, inside = [first.partition(".")[2].title().replace("_", "")], rest
    else:
        names, inside = rest[:1], rest[1:]
    return "/".join(["".join(name for name in names if name not in CONCERNS and name != "Resource"), *inside])


def told(findings: Iterable[Finding]) -> list[tuple[object, ...]]:
    """Give what is found of what, how bad it is, and the money of each part of it."""
    return sorted(
        (
            one.policy.id,
            logical(one.resource, one.construct),
            one.severity.name,
            one.leaf,
            *sorted((part.name, part.low, str(part.high), part.per, part.basis, part.how) for part in one.exposure),
        )
        for one in findings
    )


@pytest.mark.parametrize("spelling", OTHERS)
def test_the_same_waste_is_found_in_each_spelling(spelling: str) -> None:
    expected = told(scanned(SPELLINGS[0], "wasteful", "strict").findings)
    assert told(scanned(spelling, "wasteful", "strict").findings) == expected


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_waste_is_of_every_kind(spelling: str) -> None:
    report = scanned(spelling, "wasteful", "strict")
    assert len({one.policy.id for one in report.findings}) > 60
    assert {one.policy.pack for one in report.findings} == {policy.pack for policy in report.policies}


@pytest.mark.parametrize("select", ["recommended", "strict"])
@pytest.mark.parametrize("spelling", OTHERS)
def test_the_same_money_is_at_stake_in_each_spelling(spelling: str, select: str) -> None:
    def money(of: str) -> tuple[object, ...]:
        parts = [part for one in scanned(of, "wasteful", select).findings for part in one.exposure]
        whole = [(total.low, total.high) for total in (sum_of(parts), sum_of(parts, "run"))]
        return tuple((round(low, 2), None if high is None else round(high, 2)) for low, high in whole)

    assert money(spelling) == money(SPELLINGS[0])


@pytest.mark.parametrize("version", REGIONS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_nothing_stays_open(spelling: str, version: str) -> None:
    """Every value that matters is known in each spelling, and cfn-lint finds no error in the templates."""
    report = scanned(spelling, version, "strict")
    assert not report.undecided
    assert not report.problems
    assert report.counts.projects == 1


@pytest.mark.parametrize("select", ["recommended", "strict"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_good_platform_has_no_finding(spelling: str, select: str) -> None:
    assert told(scanned(spelling, "good", select).findings) == []


@pytest.mark.parametrize("spelling", OTHERS)
def test_a_good_platform_passes_the_same_checks(spelling: str) -> None:
    """It has no finding because it is judged, not because it is not seen; only what one spelling adds differs."""
    own = {"terraform": {"CostTags"}, "cdk": {"JobContainer", "SpotEnvironmentInstance", "TrainingHostInstance"}}
    expected = passed(SPELLINGS[0])
    assert len(expected) > 250
    more = passed(spelling) - expected
    assert expected <= passed(spelling)
    assert all(any(name.startswith(start) for start in own[spelling]) for _, name in more)


def passed(spelling: str) -> set[tuple[str, str]]:
    asked = options(spelling, "good", "strict")
    ((project,), _) = projects_of(asked)
    constructs = {one.address: one.raw.construct for one in project.resources}
    checked = check_project(project, asked.policies, Configuration().parameters.value, ())
    return {(policy.id, logical(address, constructs[address]) if address else "") for policy, address in checked.passed}
