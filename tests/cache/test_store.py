from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlguard.cache import store
from mlguard.cache.store import Disk, Memory
from mlguard.cli.cache_folder import cache_folder, store_for
from mlguard.source import Root

WRITES = """
import sys
from pathlib import Path
from mlguard.cache.store import Disk
kept = Disk(Path(sys.argv[1]))
for number in range(60):
    kept.keep({f"{sys.argv[2]}{number}": "x" * 5000})
    assert kept.find([f"{sys.argv[2]}{number}"])
"""

Report = Callable[..., str]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    Disk(tmp_path).keep({"a": "one", "b": "two"})
    return next(path for path in tmp_path.iterdir() if path.is_file())


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_what_is_kept_is_found(tmp_path: Path, kind: str) -> None:
    kept = Disk(tmp_path / "new" / "folder") if kind == "disk" else Memory()
    assert kept.find(["a"]) == {}
    kept.keep({"a": "one", "b": "two"})
    kept.keep({"b": "three"})
    assert kept.find(["a", "b", "c"]) == {"a": "one", "b": "three"}
    assert kept.find([str(number) for number in range(3000)] + ["b"]) == {"b": "three"}


def test_a_text_that_was_tampered_with_is_not_given(tmp_path: Path, file: Path) -> None:
    with sqlite3.connect(file) as database:
        database.execute("UPDATE kept SET content = 'other' WHERE name = 'a'")
    database.close()
    assert Disk(tmp_path).find(["a", "b"]) == {"b": "two"}


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_begun_anew(tmp_path: Path, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    kept = Disk(tmp_path)
    assert kept.find(["a"]) == {}
    kept.keep({"a": "again"})
    kept.keep({"a": "again"})
    assert kept.find(["a"]) == {"a": "again"}


def test_a_file_cut_short_gives_nothing_wrong(tmp_path: Path) -> None:
    kept = Disk(tmp_path)
    kept.keep({str(number): str(number) * 900 for number in range(300)})
    file = next(tmp_path.iterdir())
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    found = kept.find([str(number) for number in range(300)])
    assert all(text == name * 900 for name, text in found.items())


def test_the_file_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Disk(tmp_path, limit=400_000)
    monkeypatch.setattr(store, "_today", lambda: 100)
    kept.keep({"old": "x" * 1000, "used": "y" * 1000})
    monkeypatch.setattr(store, "_today", lambda: 200)
    assert kept.find(["used"])
    for number in range(300):
        kept.keep({str(number): "z" * 5000})
    assert next(tmp_path.iterdir()).stat().st_size < 800_000
    assert not kept.find(["old"])


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    kept = Disk(tmp_path / "file" / "below")
    kept.keep({"a": "one"})
    assert kept.find(["a"]) == {}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_only_be_read_is_read(tmp_path: Path, file: Path) -> None:
    file.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        kept = Disk(tmp_path)
        kept.keep({"a": "other"})
        assert kept.find(["a"]) == {"a": "one"}
    finally:
        tmp_path.chmod(0o700)


def test_a_locked_file_is_not_waited_for_forever(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PATIENCE", 0.1)
    database = sqlite3.connect(file)
    try:
        database.execute("BEGIN EXCLUSIVE")
        kept = Disk(tmp_path)
        kept.keep({"a": "other"})
        assert kept.find(["a"]) == {}
    finally:
        database.close()
    assert Disk(tmp_path).find(["a"]) == {"a": "one"}


def test_several_processes_share_one_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITES, str(tmp_path)]
    running = [subprocess.Popen([*command, name], stderr=subprocess.PIPE) for name in ("a", "b", "c")]
    for one in running:
        _, wrong = one.communicate(timeout=120)
        assert one.returncode == 0, wrong.decode()
    assert len(Disk(tmp_path).find([f"{name}{number}" for name in "abc" for number in range(60)])) == 180


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_what_is_interrupted_leaves_nothing_half_written(tmp_path: Path, how: signal.Signals) -> None:
    for _ in range(5):
        running = subprocess.Popen([sys.executable, "-c", WRITES, str(tmp_path), "a"], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.01)
        running.send_signal(how)
        running.wait(timeout=60)
        found = Disk(tmp_path).find([f"a{number}" for number in range(60)])
        assert set(found.values()) <= {"x" * 5000}
        kept = Disk(tmp_path)
        kept.keep({"b": "one"})
        assert kept.find(["b"]) == {"b": "one"}


def test_two_scans_at_once_use_one_store(kept: Path, report: Report) -> None:
    cold = report("--no-cache")
    command = [sys.executable, "-m", "mlguard", "scan", ".", "--format", "json", "--jobs", "1", "--no-progress"]
    for _ in range(2):
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        told = [one.communicate(timeout=300)[0] for one in running]
        assert [f"{text}{one.returncode}" for text, one in zip(told, running, strict=True)] == [cold] * 3
    assert kept.is_dir()


def test_the_folder_is_that_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("MLGUARD_CACHE_DIR")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder() == tmp_path / "xdg" / "mlguard"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "mlguard"
    monkeypatch.setenv("CI", "true")
    assert cache_folder() is None
    monkeypatch.setenv("MLGUARD_CACHE_DIR", str(tmp_path / "named"))
    assert cache_folder() == tmp_path / "named"
    monkeypatch.setenv("MLGUARD_CACHE_DIR", "")
    assert cache_folder() is None


def test_nothing_is_kept_in_the_code_that_is_scanned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLGUARD_CACHE_DIR", str(tmp_path / "code" / "cache"))
    assert store_for(Root(tmp_path / "code")) is None
    assert store_for(Root(tmp_path / "other")) is not None


def test_a_cache_that_cannot_be_used_changes_nothing(kept: Path, report: Report) -> None:
    cold = report("--no-cache")
    kept.write_text("a file where the folder should be", "utf-8")
    assert report() == cold
    kept.unlink()
    report()
    next(kept.iterdir()).write_bytes(b"\xff" * 10_000)
    assert report() == cold
    assert report() == cold
