from __future__ import annotations

from pathlib import Path

import pytest

from mlguard.policy.load import bundled_policies
from mlguard.policy.model import Policy
from mlguard.scan import Options, scan
from mlguard.scan.relevance import judged_types
from mlguard.source import Root
from mlguard.vocabulary.load import bundled_vocabulary

FIXTURES = Path(__file__).parents[2] / "fixtures" / "terraform"


class Everything(frozenset[str]):
    """A set that holds whatever is asked for."""

    def __contains__(self, _name: object) -> bool:  # noqa: D105  (the class says it)
        return True


def outcome(policies: tuple[Policy, ...]) -> tuple[list[str], list[str]]:
    report = scan(Options(root=Root(FIXTURES), policies=policies, known=bundled_policies()))
    return [one.fingerprint for one in report.findings], [f"{one.at} {one.because}" for one in report.undecided]


@pytest.mark.parametrize("chosen", ["recommended", "budgets", "s3", "gpu"])
def test_what_is_left_unread_changes_nothing(chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    policies = tuple(
        one
        for one in bundled_policies()
        if chosen in (one.pack, one.path.split("/")[0]) or (chosen == "recommended" and one.recommended)
    )
    narrow = outcome(policies)
    monkeypatch.setattr("mlguard.scan.judging.judged_types", lambda *_: Everything())
    assert outcome(policies) == narrow
    assert narrow[0]


def test_a_scan_is_about_what_its_policies_are_about() -> None:
    policies = {one.id: one for one in bundled_policies()}
    vocabulary = bundled_vocabulary()
    types = judged_types([policies["bucket-without-lifecycle"]], vocabulary)
    assert {"AWS::S3::Bucket", "aws_s3_bucket", "awscc_s3_bucket"} <= types
    assert "aws_iam_role" not in types
    assert "aws_sagemaker_endpoint" not in types
    assert "aws_sagemaker_endpoint" in judged_types([policies["ml-project-without-budget"]], vocabulary)
    assert "aws_instance" in judged_types([policies["instance-type-not-allowed"]], vocabulary)
