"""Terraform's JSON syntax is read like its other one."""

from __future__ import annotations

from pathlib import Path

from mlguard.policy.load import bundled_policies
from mlguard.scan import Options, scan
from mlguard.source import Root

MODULE = """\
{"resource": {"aws_instance": {"box": {
  "ami": "ami-12345678",
  "instance_type": "p4d.24xlarge"
}}}}
"""


def test_a_json_configuration_is_judged_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "main.tf.json").write_text(MODULE, encoding="utf-8")
    report = scan(Options(root=Root(tmp_path), policies=bundled_policies()))
    found = {(one.policy.id, one.at.line) for one in report.findings}
    assert ("premium-accelerator-in-nonproduction", 3) in found
    assert not report.problems
