"""Other processes that judge units.

A process is given one unit at a time, so that it is known what it was at when it ends unexpectedly: that is a problem
of the unit, and another process takes its place. Nothing depends on how processes are made: where they are not copies
of this one (macOS, Windows), they are sent the options.
"""

from __future__ import annotations

import io
import multiprocessing
import pickle
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from mlguard.errors import LimitError
from mlguard.policy.model import Policy
from mlguard.record import record
from mlguard.scan.discover import Found
from mlguard.scan.judging import Judge, Outcome
from mlguard.scan.options import Options
from mlguard.scan.units import Unit

_LOOK_FOR_PARENT = 5.0  # seconds


@record(frozen=False)
class _Worker:
    process: BaseProcess
    connection: Connection
    at: int | None = None


class Processes:
    """Processes that live until they are ended, made as multiprocessing's `method` says."""

    def __init__(self, method: str, options: Options, found: Found, of_accounts: Sequence[Unit]) -> None:
        self._method = method
        self._sent = (options, found, of_accounts)
        self._policies = {policy.id: policy for policy in (*options.known, *options.policies)}
        self._workers: list[_Worker] = []

    def end(self) -> None:
        """End all processes at once, whatever they are at."""
        for worker in self._workers:
            worker.process.terminate()
            worker.connection.close()
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()

    def outcomes(self, units: Sequence[Unit], number: int) -> Iterator[Outcome]:
        """Judge units in so many processes; give the outcomes in their order, and raise what judging one raised."""
        while len(self._workers) < number:
            self._start()
        outcomes: dict[int, Outcome | Exception] = {}
        waiting = iter(range(len(units)))
        told = 0
        for worker in self._workers:
            self._next(worker, units, waiting)
        while told < len(units):
            outcomes.update(self._received(units, waiting))
            while told in outcomes:
                made = outcomes.pop(told)
                if isinstance(made, Exception):
                    raise made
                told += 1
                yield made

    def _received(self, units: Sequence[Unit], waiting: Iterator[int]) -> Iterator[tuple[int, Outcome | Exception]]:
        """Wait until a process has something to say, or ends; give it the next unit."""
        busy = [worker for worker in self._workers if worker.at is not None]
        ready = wait([one.connection for one in busy])
        for worker in busy:
            if worker.connection not in ready or worker.at is None:
                continue
            index = worker.at
            try:
                answer = worker.connection.recv_bytes()
            except (EOFError, OSError):
                worker.process.join()
                yield index, _ended(units[index], worker.process.exitcode)
                worker.connection.close()
                self._workers.remove(worker)
                worker = self._start()  # noqa: PLW2901  (one stands in for the other)
            else:
                yield index, _loads(answer, self._policies)
            self._next(worker, units, waiting)

    @staticmethod
    def _next(worker: _Worker, units: Sequence[Unit], waiting: Iterator[int]) -> None:
        worker.at = next(waiting, None)
        if worker.at is not None:
            try:
                worker.connection.send(units[worker.at])
            except OSError:
                return  # it has ended: that is seen when its answer is waited for

    def _start(self) -> _Worker:
        """Make one more process; an interrupt waits until it is known that there is one."""
        context = multiprocessing.get_context(self._method)
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, ours, *self._sent), daemon=True)  # type: ignore[attr-defined]
        with _uninterrupted():
            process.start()
            self._workers.append(_Worker(process, ours))
        theirs.close()
        return self._workers[-1]


@contextmanager
def _uninterrupted() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(
    connection: Connection, parents: Connection, options: Options, found: Found, accounts: Sequence[Unit]
) -> None:
    """Judge the units that are sent, until nobody sends any more; this is what the other processes run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started this process ends it
    parents.close()
    judge = Judge(options, found, accounts)
    policies = {policy.id: policy for policy in (*options.known, *options.policies)}
    parent = multiprocessing.parent_process()
    while True:
        while not connection.poll(_LOOK_FOR_PARENT):
            if parent is not None and not parent.is_alive():
                return
        try:
            unit = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = _dumps(judge.outcome(unit), policies)
        except Exception as error:  # noqa: BLE001  (it is raised where the unit's turn comes)
            answer = _dumps(_sendable(error), policies)
        connection.send_bytes(answer)


def _sendable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  (made here)
    except Exception:  # noqa: BLE001  (whatever it is made of)
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _ended(unit: Unit, code: int | None) -> Outcome:
    how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
    message = f"the process that checked this {how} (out of memory?): it was not checked; see `--jobs 1`"
    return Outcome(problems=[LimitError(message, unit.path or ".")])


class _Pickler(pickle.Pickler):
    """Names policies instead of sending them: each process has its own."""

    def __init__(self, file: io.BytesIO, policies: Mapping[str, Policy]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._policies = policies

    def persistent_id(self, obj: object) -> str | None:
        return obj.id if isinstance(obj, Policy) and self._policies.get(obj.id) is obj else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, policies: Mapping[str, Policy]) -> None:
        super().__init__(file)
        self._policies = policies

    def persistent_load(self, pid: str) -> Policy:
        return self._policies[pid]


def _dumps(value: object, policies: Mapping[str, Policy]) -> bytes:
    file = io.BytesIO()
    _Pickler(file, policies).dump(value)
    return file.getvalue()


def _loads(content: bytes, policies: Mapping[str, Policy]) -> Any:  # noqa: ANN401  (what a process of ours has sent)
    return _Unpickler(io.BytesIO(content), policies).load()
