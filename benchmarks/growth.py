"""Measure what a scan costs when a repository or the policies grow: `python benchmarks/growth.py [--copies 1,8,64]`.

The repository is made of so many copies of a folder, this project's fixtures by default. Its projects are full of
mistakes, and every finding is kept for the report; `--select` with a policy that finds nothing there shows what the
projects alone cost. `--policies 14,73` scans the folder itself, with so many of the policies, by their number in the
catalogue; `--runs` says how often, and the median is shown.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from measure import heading

from mlguard.policy.load import bundled_policies

_TOP = Path(__file__).resolve().parents[1]
_KIB = 1024 if sys.platform == "darwin" else 1  # what ru_maxrss counts in, turned into KiB


def scan(folder: Path, arguments: list[str]) -> tuple[float, float, int]:
    """Scan a folder; give seconds on the clock, seconds of CPU, and KiB of the largest process."""
    command = [
        sys.executable,
        "-m",
        "mlguard",
        "scan",
        "--no-cache",
        "--no-progress",
        "--format",
        "json",
        *arguments,
        ".",
    ]
    began = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(_TOP / "checker")}
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1, 2):
        raise SystemExit(f"mlguard ended with {process.returncode}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // _KIB


def by_policies(folder: Path, numbers: list[int], runs: int) -> None:
    """Print a table of what the first of the policies cost; the scans take turns."""
    ids = [policy.id for policy in sorted(bundled_policies(), key=lambda policy: policy.aliases)]
    selected = {number: [part for name in ids[:number] for part in ("--select", name)] for number in numbers}
    scan(folder, [])
    rounds = [
        {number: scan(folder, ["--jobs", "1", *names])[1] for number, names in selected.items()} for _ in range(runs)
    ]
    print("| policies | CPU s | times the first row |\n| ---: | ---: | ---: |")
    for number in numbers:
        ratio = median(one[number] / one[numbers[0]] for one in rounds)
        print(f"| {number} | {median(one[number] for one in rounds):.2f} | {ratio:.2f} |")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":", maxsplit=1)[0])
    parser.add_argument("folder", nargs="?", type=Path, default=_TOP / "fixtures")
    parser.add_argument("--copies", default="1,8,64", help="how many copies, one row each")
    parser.add_argument("--jobs", default="1,2", help="how many processes, one group of columns each")
    parser.add_argument("--select", action="append", default=[], metavar="POLICY")
    parser.add_argument("--policies", metavar="N,M", help="compare so many policies on the folder itself instead")
    parser.add_argument("--runs", type=int, default=3, help="with --policies: how often each is measured")
    options = parser.parse_args()
    if options.policies:
        print(heading("Policies that grow in number", options.runs))
        by_policies(options.folder, [int(number) for number in options.policies.split(",")], options.runs)
        return
    selected = [part for name in options.select for part in ("--select", name)]
    jobs = options.jobs.split(",")
    print(heading("A repository that grows", 1))
    print("| copies | " + " | ".join(f"{number}: seconds | CPU s | peak MB" for number in jobs) + " |")
    print("| ---: |" + " ---: | ---: | ---: |" * len(jobs))
    for copies in (int(number) for number in options.copies.split(",")):
        with tempfile.TemporaryDirectory() as made:
            for number in range(copies):
                shutil.copytree(options.folder, Path(made) / f"part{number}")
            costs = [scan(Path(made), ["--jobs", number, *selected]) for number in jobs]
        cells = (f"{seconds:.1f} | {cpu:.1f} | {peak / 1024:.0f}" for seconds, cpu, peak in costs)
        print(f"| {copies} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
