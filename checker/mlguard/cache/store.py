"""Texts by key, kept for later runs in one SQLite file, or for this run alone.

Whatever goes wrong with the file is no business of a scan: it then goes on as if nothing had been kept. A text that is
not the one that was written is never given.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import sqlite3

MAX_BYTES = 200_000_000
"""How large the file may become before what was not used for longest is dropped."""
_NAME = "outcomes-1.sqlite3"
_PATIENCE = 2.0  # seconds to wait for another run that writes
_DAY = 86_400
_AT_A_TIME = 500
_DAYS_KEPT = (30, 7, 1, 0)
_TABLE = """
    CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, used INTEGER, hash BLOB, content TEXT) WITHOUT ROWID
"""


class Store(Protocol):
    """Keeps texts by key."""

    def find(self, names: Sequence[str]) -> dict[str, str]:
        """Give the texts that are kept under some of these names."""

    def keep(self, texts: Mapping[str, str]) -> None:
        """Keep texts under their names, instead of what was kept there."""


class Memory:
    """Keeps texts for as long as it lives."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def find(self, names: Sequence[str]) -> dict[str, str]:
        """Give the texts that are kept under some of these names."""
        return {name: self._texts[name] for name in names if name in self._texts}

    def keep(self, texts: Mapping[str, str]) -> None:
        """Keep texts under their names."""
        self._texts.update(texts)


class Disk:
    """Keeps texts in a file of a folder that is made when there is something to keep.

    Several processes may use it at once. It is opened for each question anew, so that a process that is made as a copy
    of this one shares nothing.
    """

    def __init__(self, folder: Path, limit: int = MAX_BYTES) -> None:
        self._folder = folder
        self._limit = limit

    def find(self, names: Sequence[str]) -> dict[str, str]:
        """Give the texts that are kept under some of these names."""
        found: dict[str, str] = {}
        stale: list[str] = []
        today = _today()

        def look(database: sqlite3.Connection) -> None:
            for some in _slices(names):
                places = ",".join("?" * len(some))
                query = f"SELECT name, used, hash, content FROM kept WHERE name IN ({places})"  # noqa: S608  (question marks)
                for name, used, hashed, content in database.execute(query, some):
                    if hashed == _hash(name, content):
                        found[name] = content
                    if used != today:
                        stale.append(name)

        if (self._folder / _NAME).is_file():
            self._with_database(look)
        if stale:
            rows = [(today, name) for name in stale]
            self._with_database(lambda database: database.executemany("UPDATE kept SET used = ? WHERE name = ?", rows))
        return found

    def keep(self, texts: Mapping[str, str]) -> None:
        """Keep texts under their names; drop what was not used for long when the file has grown too large."""
        today = _today()

        def write(database: sqlite3.Connection) -> None:
            database.execute(_TABLE)
            rows = ((name, today, _hash(name, text), text) for name, text in texts.items())
            database.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", rows)
            for days in _DAYS_KEPT:
                if _size(database) > self._limit:
                    database.execute("DELETE FROM kept WHERE used <= ?", (today - days,))

        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._with_database(write)

    def _with_database(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Do something in one transaction; a file that is no database is removed, everything else goes unsaid."""
        import sqlite3  # noqa: PLC0415  (most scans keep nothing)

        path = self._folder / _NAME
        try:
            with contextlib.closing(sqlite3.connect(path, timeout=_PATIENCE)) as database, database:
                database.execute("PRAGMA synchronous = OFF")  # a text that is lost is found out again
                work(database)
        except sqlite3.OperationalError:
            return  # locked, full, read-only
        except sqlite3.DatabaseError:
            with contextlib.suppress(OSError):
                path.unlink()


def _today() -> int:
    return int(time.time()) // _DAY


def _size(database: sqlite3.Connection) -> int:
    """Give how many bytes of the file hold something."""
    pages, free, size = (
        database.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _slices(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[start : start + _AT_A_TIME] for start in range(0, len(names), _AT_A_TIME))


def _hash(name: str, content: str) -> bytes:
    from hashlib import blake2b  # noqa: PLC0415  (as above)

    return blake2b(f"{name}\0{content}".encode(), digest_size=16).digest()
