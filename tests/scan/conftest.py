"""Scan text that a test writes, with small policies or with those that ship."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlguard.finding import Report
from mlguard.policy.load import parse_policy
from mlguard.policy.model import Policy
from mlguard.scan import Options, scan
from mlguard.source import Document, Root

_HEAD = """\
id: {id}
title: A mistake
severity: high
pack: test
message: "{message}"
why: It costs.
fix_by_hand: {{cloudformation: a, terraform: b, cdk: c}}
scp: {{enforce: none, limits: none}}
"""


def small_policy(body: str, name: str = "small", message: str = "{resource} has {found}") -> Policy:
    """Give a policy with this body: `applies_to`, `when` and `require`."""
    return parse_policy(Document(f"{name}.yaml", _HEAD.format(id=name, message=message) + body))


CHEAP = small_policy(
    "applies_to: sagemaker.notebook_instance\nrequire: {machines: {every: {type: {in: [ml.t3.*]}}}}\n", "cheap"
)
Scan = Callable[..., Report]


@pytest.fixture
def scanned(tmp_path: Path) -> Scan:
    """Give a function that writes files into a folder and scans it."""

    def run(files: Mapping[str, str | bytes], *policies: Policy, **options: object) -> Report:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        return scan(Options(Root(tmp_path), policies=policies or (CHEAP,), **options))  # type: ignore[arg-type]

    return run


@pytest.fixture
def make_policy() -> Callable[..., Policy]:
    """Give the function that makes a small policy."""
    return small_policy
