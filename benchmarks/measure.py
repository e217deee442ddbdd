"""Measure programs against each other: CPU time and peak memory of whole process trees, interleaved, in one run.

Other work on a machine changes how long a program takes, but hardly how it compares with the one that ran just
before it. So every round runs each contender once, a ratio is taken inside a round, and the median of the rounds is
shown.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

_TROUBLE = 2  # scanners end with 1, some with more, when they find something: only signals and a missing program count
_KIB = 1024 if sys.platform == "darwin" else 1  # what ru_maxrss counts in, turned into KiB


@dataclass(frozen=True, slots=True)
class Contender:
    """A program to run: its command, what must be done before each run, and which exit codes mean that it worked."""

    name: str
    command: Sequence[str]
    folder: Path | None = None
    before: Callable[[], None] = lambda: None
    environment: dict[str, str] = field(default_factory=dict)
    good: frozenset[int] = frozenset((0, 1, 2))


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost: seconds of CPU of the process and all that it started, and KiB of the largest of them."""

    seconds: float
    peak: int


class BenchmarkError(Exception):
    """A contender did not run, so that there is nothing to compare."""


def run(contender: Contender, shared: dict[str, str]) -> Cost:
    """Run a contender once, its output thrown away."""
    contender.before()
    environment = {**os.environ, **shared, **contender.environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    process = subprocess.Popen(
        contender.command,
        cwd=contender.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)  # counts the children of the process too, once they have ended
    process.returncode = code = os.waitstatus_to_exitcode(status)
    if code not in contender.good:
        raise BenchmarkError(f"{contender.name} ended with {code}: {' '.join(contender.command)}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss // _KIB)


def compare(contenders: Sequence[Contender], runs: int, work: Path, once: Sequence[Contender] = ()) -> str:
    """Run all of them in turns, and give a Markdown table; ratios are to the first one.

    Those that take long are run `once`, after the others.
    """
    shared = {
        "PYTHONPYCACHEPREFIX": str(work / "bytecode")
    }  # installed programs have their bytecode already: so has all
    for contender in contenders:
        run(contender, shared)
    rounds = [[run(contender, shared) for contender in contenders] for _ in range(runs)]
    lines = ["| what | CPU s | times mlguard | peak MB |", "| --- | ---: | ---: | ---: |"]
    for index, contender in enumerate(contenders):
        seconds = median(costs[index].seconds for costs in rounds)
        ratio = median(costs[index].seconds / costs[0].seconds for costs in rounds)
        peak = max(costs[index].peak for costs in rounds) / 1024
        lines.append(f"| {contender.name} | {seconds:.2f} | {ratio:.2f} | {peak:.0f} |")
    first = median(costs[0].seconds for costs in rounds)
    for contender in once:
        cost = run(contender, shared)
        lines.append(f"| {contender.name} | {cost.seconds:.1f} | {cost.seconds / first:.1f} | {cost.peak / 1024:.0f} |")
    return "\n".join(lines)


def tables(
    measured: Iterable[tuple[str, Sequence[Contender]]], runs: int, work: Path, once: Sequence[Contender] = ()
) -> int:
    """Measure and print one table after the other, each with what it is about; give the exit code of the script."""
    for what, contenders in measured:
        print(heading(what, runs))
        try:
            print(compare(contenders, runs, work, once), end="\n\n")
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 2
    return 0


def heading(what: str, runs: int) -> str:
    """Say what was measured, when, and on what kind of machine; no names."""
    when = datetime.now(tz=UTC).date().isoformat()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"### {what}\n\n{when}, {machine}, median of {runs} runs in turns\n"


def installed(work: Path, package: str) -> Path:
    """Install a package into a virtual environment of its own, once; give its folder of programs."""
    folder = work / f"venv-{package}"
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    if not (programs / package).exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", package], check=True)
    return programs


def version(programs: Path, package: str) -> str:
    """Give the version of an installed package."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([programs / "python", "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def mlguard(target: Sequence[str], cache: Path, *, cold: bool, program: Path | None = None) -> Contender:
    """Scan with this checkout's mlguard, or another one, and a cache folder of its own, emptied first if `cold`."""

    def empty() -> None:
        shutil.rmtree(cache, ignore_errors=True)

    start = [str(program.resolve())] if program is not None else [sys.executable, "-m", "mlguard"]
    command = [*start, "scan", "--no-config", "--no-progress", "--format", "json", *target]
    environment = {"MLGUARD_CACHE_DIR": str(cache)}
    if program is None:
        environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent / "checker")
    name = f"mlguard, {'cold' if cold else 'warm'}"
    return Contender(name, command, before=empty if cold else lambda: None, environment=environment)
