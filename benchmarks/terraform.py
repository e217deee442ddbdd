"""Compare a scan of Terraform with other readers of it: `python benchmarks/terraform.py FOLDER [FOLDER...]`.

Each folder gives one table. Always measured: `hcl2.loads` on every file, in a process of its own, and `git grep`, below
which no scanner can come. With `--peers` also c7n-left and checkov, each installed into a virtual environment.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from measure import Contender, installed, mlguard, tables, version

_LOADS = """
import sys
from pathlib import Path
import hcl2
for path in sorted(Path(sys.argv[1]).rglob("*.tf")):
    try:
        hcl2.loads(path.read_text(encoding="utf-8"))
    except Exception:
        pass  # what it cannot read is not to its disadvantage
"""
# c7n-left reads one root at a time: all of them in one process, so that it starts once
_C7N = """
import sys
from pathlib import Path
from c7n_left.cli import cli
for folder in sorted({path.parent for path in Path(sys.argv[2]).rglob("*.tf")}):
    try:
        cli(["run", "-p", sys.argv[1], "-d", str(folder)])
    except (SystemExit, Exception):
        pass
"""
_POLICIES = """
policies:
  - name: notebook-large
    resource: terraform.aws_sagemaker_notebook_instance
    filters: [{type: value, key: instance_type, op: not-in, value: [ml.t3.medium, ml.t3.large, ml.m5.large]}]
  - name: notebook-without-lifecycle
    resource: terraform.aws_sagemaker_notebook_instance
    filters: [{lifecycle_config_name: absent}]
  - name: endpoint-on-accelerators
    resource: terraform.aws_sagemaker_endpoint_configuration
    filters:
      - {type: value, key: "production_variants[].instance_type", op: intersect, value: [ml.p4d.24xlarge]}
  - name: capture-of-everything
    resource: terraform.aws_sagemaker_endpoint_configuration
    filters: [{type: value, key: "data_capture_config[].initial_sampling_percentage | [0]", op: gt, value: 50}]
  - name: bucket-without-tags
    resource: terraform.aws_s3_bucket
    filters: [{"tag:Project": absent}]
  - name: instance-on-accelerators
    resource: terraform.aws_instance
    filters: [{type: value, key: instance_type, op: regex, value: "^(p|g|trn|inf).*"}]
  - name: batch-without-limit
    resource: terraform.aws_batch_compute_environment
    filters: [{type: value, key: "compute_resources[].max_vcpus | [0]", op: gt, value: 256}]
  - name: node-group-on-accelerators
    resource: terraform.aws_eks_node_group
    filters: [{type: value, key: "instance_types[0]", op: regex, value: "^(p|g|trn|inf).*"}]
  - name: logs-kept-for-ever
    resource: terraform.aws_cloudwatch_log_group
    filters: [{retention_in_days: absent}]
  - name: registry-keeps-everything
    resource: terraform.aws_ecr_repository
    filters: [{image_tag_mutability: absent}]
"""


def contenders(folder: Path, work: Path, *, peers: bool) -> list[Contender]:
    """Give the programs to compare on a folder, mlguard first."""
    target = str(folder)
    found = [
        mlguard([target], work / "cold", cold=True),
        mlguard([target], work / "warm", cold=False),
        Contender("hcl2.loads on every file", [sys.executable, "-c", _LOADS, target]),
        Contender(
            "git grep -c aws_sagemaker", ["git", "grep", "--no-index", "-c", "aws_sagemaker", "--", "."], folder=folder
        ),
    ]
    if peers:
        policies = work / "c7n-policies"
        policies.mkdir(exist_ok=True)
        (policies / "policies.yaml").write_text(_POLICIES, encoding="utf-8")
        c7n, checkov = installed(work, "c7n-left"), installed(work, "checkov")
        found += [
            Contender(
                f"c7n-left {version(c7n, 'c7n-left')}, 10 policies",
                [str(c7n / "python"), "-c", _C7N, str(policies), target],
            ),
            Contender(
                f"checkov {version(checkov, 'checkov')}",
                [str(checkov / "checkov"), "--framework", "terraform", "--skip-download", "--quiet", "-d", target],
            ),
        ]
    return found


def main() -> int:
    """Measure, and print a table for each folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", action="store_true", help="install c7n-left and checkov, and measure them too")
    parser.add_argument("--work", type=Path, help="keep the peers in this folder; a temporary one by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        measured = (
            (_heading(folder), contenders(folder.resolve(), work, peers=options.peers)) for folder in options.folders
        )
        return tables(measured, options.runs, work)


def _heading(folder: Path) -> str:
    files = sorted(folder.rglob("*.tf"))
    return f"{folder.name}: {len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.2f} MB"


if __name__ == "__main__":
    sys.exit(main())
