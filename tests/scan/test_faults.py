"""A fault of mlguard's own is told where it happened, and hides nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from mlguard.policy.load import bundled_policies
from mlguard.scan import judging
from mlguard.scan.check import check_project

NOTEBOOK = 'resource "aws_sagemaker_notebook_instance" "n" {\n  instance_type = "ml.p3.2xlarge"\n}\n'
MODEL = """\
provider "aws" {
  region = %s
}
resource "aws_sagemaker_model" "m" {
  execution_role_arn = "arn:aws:iam::123456789012:role/x"
  primary_container {
    image = "763104351884.dkr.ecr.us-west-2.amazonaws.com/x:1"
  }
}
"""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break the check of one project, as a user would meet it."""
    check = check_project

    def check_or_fail(project: Any, *more: Any) -> Any:  # noqa: ANN401  (what the real one takes)
        if project.raw.path == "bad":
            raise KeyError("x")
        return check(project, *more)

    monkeypatch.setattr(judging, "check_project", check_or_fail)


@pytest.mark.usefixtures("broken")
def test_a_fault_in_one_project_hides_no_other(scanned: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    monkeypatch.delenv("MLGUARD_DEBUG")
    report = scanned({"bad/main.tf": NOTEBOOK, "good/main.tf": NOTEBOOK})
    assert [one.at.path for one in report.findings] == ["good/main.tf"]
    assert [(one.path, "a fault in mlguard itself (KeyError" in one.message) for one in report.problems] == [
        ("bad", True)
    ]


@pytest.mark.usefixtures("broken")
def test_who_looks_for_a_fault_gets_the_traceback(scanned: Any) -> None:  # noqa: ANN401
    with pytest.raises(KeyError):
        scanned({"bad/main.tf": NOTEBOOK})


@pytest.mark.parametrize("region", ['{ a = "us-east-1" }', '["us-east-1"]', "12", "true", "null", "var.r", "[]"])
def test_a_region_that_is_no_text_is_no_fault(scanned: Any, region: str) -> None:  # noqa: ANN401
    report = scanned({"main.tf": MODEL % region}, *bundled_policies())
    assert not report.problems
    crossing = [one.policy.id for one in report.findings if one.policy.id == "cross-region-data-access"]
    assert not crossing
