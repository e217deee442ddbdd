"""A policy may judge what the vocabulary lacks, in the words of one format."""

from __future__ import annotations

from pathlib import Path

from mlguard.policy.load import parse_policy
from mlguard.scan import Options, scan
from mlguard.source import Document, Root

POLICY = """\
id: {name}
title: A function has much memory
severity: low
pack: own
applies_to: "{kind}"
require: {{{prop}: {{at_most: 1024}}}}
message: "{{resource}} has {{found}} MB"
why: Memory is billed by the millisecond.
fix_by_hand: Ask for less.
scp: {{enforce: none, limits: There is no such key.}}
"""
TEMPLATE = "Resources:\n  Big:\n    Type: AWS::Lambda::Function\n    Properties:\n      MemorySize: 4096\n"
MODULE = 'resource "aws_lambda_function" "big" {\n  memory_size = 2 * 2048\n}\n'


def test_a_native_kind_is_judged_in_its_format_only(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TEMPLATE, encoding="utf-8")
    (tmp_path / "main.tf").write_text(MODULE, encoding="utf-8")
    policies = tuple(
        parse_policy(Document("p.yaml", POLICY.format(name=name, kind=kind, prop=prop)), built_in=False)
        for name, kind, prop in (
            ("in-terraform", "terraform:aws_lambda_function", "memory_size"),
            ("in-cloudformation", "cloudformation:AWS::Lambda::Function", "MemorySize"),
        )
    )
    report = scan(Options(root=Root(tmp_path), policies=policies))
    assert [(one.policy.id, one.at.path, one.at.line, one.message) for one in report.findings] == [
        ("in-terraform", "main.tf", 2, "aws_lambda_function.big has 4096 MB"),
        ("in-cloudformation", "t.yaml", 5, "Big has 4096 MB"),
    ]
