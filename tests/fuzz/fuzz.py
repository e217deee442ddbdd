"""Fuzz mlguard, guided by what of its code an input reaches: `python tests/fuzz/fuzz.py [TARGET...]`.

It needs atheris beside what mlguard needs, in a virtual environment of its own:

    python -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install atheris . && /tmp/fuzz/bin/python tests/fuzz/fuzz.py

Each target is fuzzed for `--seconds` in a process of its own, from the seeds of `targets.py`. An input that breaks
what must hold is written below `--work`, once for each place in the code, and fuzzing goes on. The end is a table.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import os
import pkgutil
import random
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

CHECKER = Path(__file__).resolve().parents[2] / "checker"
CPU_SECONDS = 5.0
"""How long one input may take; an instrumented scan takes several times as long as another."""
_TOKENS = re.compile(rb"\w+|\s+|.", re.DOTALL)
_DONE = re.compile(r"Done (\d+) runs? in (\d+) second")
_COVERED = re.compile(r"cov: (\d+)")
_NATIVE = 0.3  # how often the mutations of libFuzzer are used, which know nothing of words
_AT_FIRST = 50  # how many seeds are run to begin with; words are taken from all of them
_Mutate = Callable[[bytes, int], bytes]


class TooSlowError(BaseException):
    """An input takes too long; no `except Exception` holds it up."""


def _too_slow(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlowError(f"more than {CPU_SECONDS} seconds of CPU")


def load_targets(atheris: Any) -> Any:  # noqa: ANN401  (a module that is not there for others)
    """Import all of mlguard, instrumented, and then the module of the targets."""
    sys.path.insert(0, str(CHECKER))
    with atheris.instrument_imports(include=["mlguard"]):
        package = importlib.import_module("mlguard")
        for module in pkgutil.walk_packages(package.__path__, "mlguard."):
            if not module.name.endswith("__main__") and "cfnlint_rules" not in module.name:
                importlib.import_module(module.name)
    return importlib.import_module("targets")  # it is beside this script


class Mutator:
    """Changes inputs word by word, with words and stretches of other seeds, or leaves that to libFuzzer."""

    def __init__(self, seeds: list[bytes], native: _Mutate) -> None:
        self._seeds = [_TOKENS.findall(seed) for seed in seeds]
        self._words = sorted({token for seed in self._seeds for token in seed})
        self._native = native

    def __call__(self, data: bytes, most: int, seed: int) -> bytes:
        """Change an input."""
        chance = random.Random(seed)  # noqa: S311  (no secret)
        if chance.random() < _NATIVE:
            return self._native(data, most)
        tokens = _TOKENS.findall(data)
        for _ in range(chance.randint(1, 4)):
            self._change(tokens, chance)
        return b"".join(tokens)[:most]

    def _change(self, tokens: list[bytes], chance: random.Random) -> None:
        at = chance.randint(0, len(tokens))
        end = min(len(tokens), at + chance.choice((1, 1, 2, 5, 20)))
        other = chance.choice(self._seeds) or [b""]
        begin = chance.randrange(len(other))
        tokens[at:end] = chance.choice(
            (
                [],
                tokens[at:end] * 2,
                [chance.choice(self._words)],
                [chance.choice(self._words), *tokens[at:end]],
                other[begin : begin + chance.choice((1, 3, 10, 40))],
            )
        )


class Faults:
    """The inputs that broke something, one for each place in the code."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, error: BaseException, content: bytes) -> None:
        """Write the input and how it ended, unless another one ended there."""
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/mlguard/" in frame.filename]
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else str(error)
        key = hashlib.sha256(f"{type(error).__name__} {place}".encode()).hexdigest()[:12]
        if not (self._folder / key).exists():
            (self._folder / key).write_bytes(content)
            story = "".join(traceback.format_exception(error)[-40:])
            (self._folder / f"{key}.txt").write_text(story, encoding="utf-8", errors="backslashreplace")


def fuzz(atheris: Any, targets: Any, name: str, work: Path, seconds: int) -> None:  # noqa: ANN401  (as above)
    """Fuzz one target; ends the process."""
    target = targets.TARGETS[name]
    seeds = [seed for seed in target.seeds() if len(seed) <= targets.LONGEST]
    corpus = work / name / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds[:: max(1, len(seeds) // _AT_FIRST)]:
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    faults = Faults(work / name / "faults")
    folder = work / name / "folder"
    target.prepare(folder)
    signal.signal(signal.SIGPROF, _too_slow)

    def one(data: bytes) -> None:
        try:
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            target(folder, data)
            signal.setitimer(signal.ITIMER_PROF, 0)
        except (Exception, TooSlowError) as error:  # noqa: BLE001  (every one of them is what is looked for)
            signal.setitimer(signal.ITIMER_PROF, 0)
            faults.add(error, data)

    limits = [f"-max_total_time={seconds}", f"-max_len={targets.LONGEST}", "-rss_limit_mb=2048", "-timeout=300"]
    # What `Mutate` names changes when fuzzing begins.
    mutate = Mutator(seeds, lambda data, most: bytes(atheris.Mutate(data, most)))
    atheris.Setup([sys.argv[0], *limits, str(corpus)], one, custom_mutator=mutate)
    atheris.Fuzz()


def in_a_child(run: Callable[[], None], log: Path) -> None:
    """Run in a child process, which has all that is imported, with what it says written to a file."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        run()
    finally:
        traceback.print_exc()
        os._exit(1)  # not the end of the parent's run


def row(name: str, work: Path) -> str:
    """Give the row of a target in the table, by what its process said."""
    log = (work / name / "log").read_text(encoding="utf-8", errors="replace")
    done, covered = _DONE.search(log), _COVERED.findall(log)
    runs, seconds = done.groups() if done else ("stopped early", "?")
    found = len([path for path in (work / name / "faults").glob("*") if not path.suffix])
    return f"| {name} | {seconds} | {runs} | {covered[-1] if covered else '?'} | {found} |"


def main() -> None:
    """Fuzz the targets that are named, or all, one after the other."""
    parser = argparse.ArgumentParser(description="Fuzz mlguard with atheris.")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=120, help="how long each target is fuzzed")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "mlguard-fuzz")
    options = parser.parse_args()
    import atheris  # noqa: PLC0415  (not there for `--help`)

    targets = load_targets(atheris)
    print("| target | seconds | inputs | edges covered | faults |", flush=True)
    print("| --- | ---: | ---: | ---: | ---: |", flush=True)
    for name in options.targets or targets.TARGETS:
        (options.work / name).mkdir(parents=True, exist_ok=True)
        run = partial(fuzz, atheris, targets, name, options.work, options.seconds)
        in_a_child(run, options.work / name / "log")
        print(row(name, options.work), flush=True)


if __name__ == "__main__":
    main()
