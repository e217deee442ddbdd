"""Judge units one after the other, or in several processes where there are enough of them for that to pay."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

from mlguard.cache import Recall, anew
from mlguard.record import replace
from mlguard.scan.discover import Found
from mlguard.scan.judging import Judge, Outcome
from mlguard.scan.options import Options, no_progress
from mlguard.scan.units import Unit

if TYPE_CHECKING:
    from mlguard.scan.processes import Processes

UNITS_THAT_PAY = {"fork": 24, "spawn": 150}
"""How many units there must be for each process, by how processes are made: copies of this one start at once."""


class Workers:
    """Judges units; what comes out does not depend on the number of processes. Close it by leaving the context.

    `method` is how processes are made, as multiprocessing calls it; the one that suits the system by default.
    """

    def __init__(
        self, options: Options, found: Found, of_accounts: Sequence[Unit], method: str = "", recall: Recall = anew
    ) -> None:
        self.judge = Judge(options, found, of_accounts, recall)
        self._tick = options.tick
        self._sent = (replace(options, tick=no_progress, store=None), found, tuple(of_accounts))
        self._method = method or _method()
        self._jobs = options.jobs or _processors()
        self._enough = 1 if options.jobs else UNITS_THAT_PAY[self._method]
        self._processes: Processes | None = None

    def __enter__(self) -> Self:
        """Begin; processes are made when there is something for them."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End all processes at once, whatever they are at."""
        if self._processes is not None:
            self._processes.end()

    def run(self, units: Sequence[Unit], what: str) -> Iterator[Outcome]:
        """Give the outcome of each unit in their order; raise what judging one raised."""
        number = min(self._jobs, len(units) // self._enough)
        one_by_one = (self.judge.outcome(unit) for unit in units)
        outcomes = self._in_processes(units, number) if number > 1 else one_by_one
        for index in range(len(units)):
            self._tick(what, index, len(units))
            yield next(outcomes)

    def _in_processes(self, units: Sequence[Unit], number: int) -> Iterator[Outcome]:
        if self._processes is None:
            from mlguard.scan.processes import Processes  # noqa: PLC0415  (most repositories need no second process)

            self._processes = Processes(self._method, *self._sent)
        return self._processes.outcomes(units, number)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _method() -> str:
    """Tell how processes are made: as copies where that is safe, as new ones elsewhere."""
    threading = sys.modules.get("threading")  # whoever started a thread has imported it
    alone = threading is None or threading.active_count() == 1
    return "fork" if sys.platform == "linux" and alone else "spawn"
