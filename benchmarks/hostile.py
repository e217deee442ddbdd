"""Run mlguard and other scanners over the hostile files of the test suite, each file beside good ones.

    python benchmarks/hostile.py                                   # mlguard alone
    python benchmarks/hostile.py --peers --work /tmp/peers --minutes 60

Each case is a folder of its own, scanned by each program whose format it holds, with 20 seconds of CPU and 1 GB for
each process. The judgement is generous: a finding or a complaint that names the hostile file is enough, and where a
value cannot be known or a limit is met, to go on is. The cases are run in a shuffled order, always the same, so that
what was done when the time is up is a fair sample.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from measure import installed, version

HERE = Path(__file__).resolve().parent
SUITE = HERE.parent / "tests" / "hostile"
CPU_SECONDS, MEMORY, PATIENCE = 20, 1 << 30, 60
OUTCOMES = ("ok", "crash or other files lost", "hang", "over the limit", "silent")
C7N_POLICY = """\
policies:
  - name: dear-notebook
    resource: terraform.aws_sagemaker_notebook_instance
    filters: [{type: value, key: instance_type, op: ne, value: ml.t3.medium}]
"""
# c7n-left reads one root module at a time and ends with 1 for findings: all of them in one process
_C7N = """
import sys, traceback
from pathlib import Path
from c7n_left.cli import cli
for folder in sorted({path.parent for path in Path().rglob("*.tf*")}):
    try:
        cli(["run", "-p", sys.argv[1], "-d", str(folder)])
    except SystemExit as ended:
        print(f"{folder}/ ended with {ended.code}" if ended.code else "nothing")
    except Exception:
        traceback.print_exc()
"""
_TERRAFORM = (".tf", ".tf.json", ".tfvars", ".tfvars.json")
_MEMORY_SIGNS = ("MemoryError", "Cannot allocate memory", "out of memory", "bad_alloc")


@dataclass(frozen=True, slots=True)
class Program:
    """A scanner: its command, the formats that it reads, and the canaries that it must report."""

    name: str
    command: Sequence[str | Path]
    formats: frozenset[str]
    canaries: tuple[str, ...]
    codes: frozenset[int] = frozenset((0, 1, 2))
    suffixes: tuple[str, ...] = ()

    def on(self, root: Path) -> list[str | Path]:
        """Give the command for a folder; one that takes no folders gets the names of its files."""
        names = (path for path in sorted(root.rglob("*")) if path.name.endswith(self.suffixes) and not path.is_dir())
        return [*self.command, *(path.relative_to(root) for path in names if self.suffixes)]


def formats_of(case: Any) -> frozenset[str]:
    """Tell which formats a case holds; what steers mlguard, plans and assemblies are for mlguard alone."""
    names = [*case.files, *case.links, *case.pipes]
    if case.outcome == "REFUSE" or case.name.startswith("plan ") or any("manifest.json" in name for name in names):
        return frozenset(("mlguard",))
    terraform = any(name.endswith(_TERRAFORM) for name in names)
    templates = any(name.endswith((".yaml", ".json")) and not name.endswith(_TERRAFORM) for name in names)
    held = {"terraform": terraform, "cloudformation": templates}
    return frozenset(["mlguard", *(name for name, holds in held.items() if holds)])


def programs(work: Path, *, peers: bool) -> list[tuple[Program, str]]:
    """Give the scanners with their versions."""
    own = ("-P", "-m", "mlguard", "scan", ".", "--no-progress", "--verbose")
    both = ("good/main.tf", "good/t.yaml")
    found = [(Program("mlguard", (sys.executable, *own), frozenset(("mlguard",)), both), "this checkout")]
    if not peers:
        return found
    policies = work / "c7n-hostile"
    policies.mkdir(parents=True, exist_ok=True)
    (policies / "policies.yaml").write_text(C7N_POLICY, encoding="utf-8")
    checkov, c7n, cfn = (installed(work, package) for package in ("checkov", "c7n-left", "cfn-lint"))
    checked = ("-d", ".", "--framework", "cloudformation", "terraform", "--skip-download", "--compact", "-o", "json")
    formats = frozenset(("terraform", "cloudformation"))
    return [
        *found,
        (Program("checkov", (checkov / "checkov", *checked), formats, both), version(checkov, "checkov")),
        (
            Program(
                "c7n-left",
                (c7n / "python", "-c", _C7N, policies),
                frozenset(("terraform",)),
                ("good/ ended with 1",),
            ),
            version(c7n, "c7n-left"),
        ),
        (
            Program(
                "cfn-lint",
                (cfn / "cfn-lint", "--format", "json"),
                frozenset(("cloudformation",)),
                both[1:],
                frozenset(range(16)),
                (".yaml", ".json"),
            ),
            version(cfn, "cfn-lint"),
        ),
    ]


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def outcome(program: Program, case: Any, root: Path) -> str:
    """Scan the folder of a case, and say how that ended."""
    path = os.pathsep.join(filter(None, (str(HERE.parent / "checker"), os.environ.get("PYTHONPATH"))))
    running = subprocess.Popen(
        program.on(root),
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": path} if program.name == "mlguard" else None,
        preexec_fn=_limit,  # noqa: PLW1509  (there are no threads)
        start_new_session=True,
    )
    try:
        written = running.communicate(timeout=PATIENCE)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        return "hang"
    code = running.returncode
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "hang"
    if any(sign in written for sign in _MEMORY_SIGNS):
        return "over the limit"
    if case.outcome == "REFUSE":
        return "ok" if code == 2 and "canary" not in written.lower() else "silent"  # noqa: PLR2004
    lost = not all(name in written for name in program.canaries)
    if code not in program.codes or "Traceback (most recent" in written or lost:
        return "crash or other files lost"
    return "ok" if case.outcome in ("SKIP", "DEGRADE", "LIMIT") or _named(case, written) else "silent"


def _named(case: Any, written: str) -> bool:
    return any(name in written for name in (case.files if case.at_root else ["hostile/"]))


def table(found: Sequence[tuple[Program, str]], ended: dict[str, Counter[str]]) -> str:
    """Give the Markdown table."""
    lines = [f"| program | cases | {' | '.join(OUTCOMES)} |", f"| --- |{' ---: |' * (len(OUTCOMES) + 1)}"]
    for program, number in found:
        counts = ended[program.name]
        cells = " | ".join(str(counts[one]) for one in OUTCOMES)
        lines.append(f"| {program.name} {number} | {counts.total()} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Run the cases, and print the table."""
    parser = argparse.ArgumentParser(description="Run scanners over hostile files.")
    parser.add_argument("--peers", action="store_true", help="install checkov, c7n-left and cfn-lint, and run them too")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "mlguard-benchmark")
    parser.add_argument("--minutes", type=float, default=600, help="begin no further case after that time")
    options = parser.parse_args()
    sys.path.append(str(SUITE))  # its modules are no package
    laying, cases = import_module("test_hostile"), import_module("hostile_cases").cases()
    random.Random(8).shuffle(cases)  # noqa: S311  (no secret)
    found = programs(options.work, peers=options.peers)
    ended: dict[str, Counter[str]] = {program.name: Counter() for program, _ in found}
    end, begun = time.monotonic() + 60 * options.minutes, 0
    for case in cases:
        if time.monotonic() > end:
            break
        begun += 1
        for program, _ in found:
            if program.formats & formats_of(case):
                with tempfile.TemporaryDirectory(prefix="mlguard-hostile-") as folder:
                    how = outcome(program, case, laying.lay_out(case, Path(folder)))
                ended[program.name][how] += 1
                if how != "ok":
                    print(f"{program.name}: {case.name!r}: {how}", file=sys.stderr, flush=True)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{datetime.now(tz=UTC).date().isoformat()}, {machine}, {begun} of {len(cases)} cases\n")
    print(table(found, ended))


if __name__ == "__main__":
    main()
