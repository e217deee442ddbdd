"""Which node pools of Karpenter may start accelerators, by the requirements that they have."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlguard.configuration import Configuration
from mlguard.policy.load import bundled_policies
from mlguard.scan import Options, scan
from mlguard.source import Root

POOL = """\
variable "name" {{}}
resource "kubectl_manifest" "pool" {{
  yaml_body = <<-EOT
    apiVersion: {version}
    kind: NodePool
    metadata:
      name: ${{var.name}}
    spec:
      template:
        spec:
          requirements: [{requirements}]
  EOT
}}
"""
POLICY = tuple(one for one in bundled_policies() if one.id == "accelerated-node-pool-without-bounds")


def requirement(key: str, operator: str, *values: str) -> str:
    listed = ", ".join(f'"{value}"' for value in values)
    return f"{{key: karpenter.k8s.aws/{key}, operator: {operator}, values: [{listed}]}}"


def outcome(folder: Path, text: str) -> tuple[int, int]:
    (folder / "main.tf").write_text(text, encoding="utf-8")
    report = scan(Options(root=Root(folder), policies=POLICY, configuration=Configuration()))
    return len(report.findings), len(report.undecided)


@pytest.mark.parametrize(
    ("requirements", "found"),
    [
        ([], (1, 0)),
        ([requirement("instance-category", "In", "g", "m")], (1, 0)),
        ([requirement("instance-category", "In", "c", "m")], (0, 0)),
        ([requirement("instance-category", "NotIn", "g", "p")], (0, 0)),
        ([requirement("instance-family", "In", "trn1")], (1, 0)),
        ([requirement("instance-family", "In", "m5", "m6i")], (0, 0)),
        ([requirement("instance-gpu-count", "Gt", "0")], (1, 0)),
        ([requirement("instance-gpu-count", "DoesNotExist")], (0, 0)),
        ([requirement("instance-category", "In", "c"), requirement("instance-cpu", "Lt", "9")], (0, 0)),
        ([requirement("instance-family", "In", "${var.name}")], (0, 1)),
    ],
)
def test_what_a_pool_may_start(requirements: list[str], found: tuple[int, int], tmp_path: Path) -> None:
    text = POOL.format(version="karpenter.sh/v1", requirements=", ".join(requirements))
    assert outcome(tmp_path, text) == found


def test_node_pools_of_others_are_not_karpenters(tmp_path: Path) -> None:
    assert outcome(tmp_path, POOL.format(version="example.com/v1", requirements="")) == (0, 0)
    assert outcome(tmp_path, POOL.format(version="karpenter.sh/v1beta1", requirements="")) == (1, 0)


def test_a_manifest_that_is_no_yaml_is_undecided(tmp_path: Path) -> None:
    text = 'resource "kubectl_manifest" "x" {\n  yaml_body = "kind: NodePool\\n{"\n}\n'
    assert outcome(tmp_path, text) == (0, 1)
