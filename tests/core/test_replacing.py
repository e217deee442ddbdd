"""A file is replaced as a whole or not at all, never through a link, never when somebody changed it."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

import pytest

from mlguard.errors import SourceError
from mlguard.source import Overlay, Root
from mlguard.source.replacing import replace_text


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_the_encoding_and_its_mark_stay(tmp_path: Path, mark: bytes, encoding: str) -> None:
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / "t.yaml"
    path.write_bytes(mark + "é: 1\r\n".encode(encoding))
    replace_text(Root(tmp_path), "a/t.yaml", "é: 1\r\n", "é: 2\r\nü: 3")
    assert path.read_bytes() == mark + "é: 2\r\nü: 3".encode(encoding)
    assert os.listdir(path.parent) == ["t.yaml"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_mode_stays(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("a", encoding="utf-8")
    path.chmod(0o640)
    replace_text(Root(tmp_path), "t.yaml", "a", "b")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_that_has_changed_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("other", encoding="utf-8")
    with pytest.raises(SourceError, match="has changed since it was read"):
        replace_text(Root(tmp_path), "t.yaml", "a", "b")
    assert path.read_text(encoding="utf-8") == "other"


def test_a_file_that_changes_at_the_last_moment_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("a", encoding="utf-8")
    root, read, calls = Root(tmp_path), Root.read_bytes, []

    def changing(self: Root, name: str, limit: int = 100) -> bytes:
        calls.append(name)
        return read(self, name, limit) if len(calls) == 1 else b"other"

    monkeypatch.setattr(Root, "read_bytes", changing)
    with pytest.raises(SourceError, match="has changed since it was read"):
        replace_text(root, "t.yaml", "a", "b")
    assert path.read_text(encoding="utf-8") == "a"
    assert os.listdir(tmp_path) == ["t.yaml"]


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="links need rights on Windows")
@pytest.mark.parametrize("linked", ["file", "folder"])
def test_nothing_is_written_through_a_link(tmp_path: Path, linked: str) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (outside / "t.yaml").write_text("a", encoding="utf-8")
    if linked == "file":
        (root / "a").mkdir()
        (root / "a" / "t.yaml").symlink_to(outside / "t.yaml")
    else:
        (root / "a").symlink_to(outside)
    with pytest.raises(SourceError, match="symbolic link"):
        replace_text(Root(root), "a/t.yaml", "a", "b")
    assert (outside / "t.yaml").read_text(encoding="utf-8") == "a"


@pytest.mark.parametrize("path", ["../t.yaml", "/etc/hostname", "a/../../t.yaml"])
def test_nothing_is_written_outside_of_the_root(tmp_path: Path, path: str) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "t.yaml").write_text("a", encoding="utf-8")
    with pytest.raises(SourceError):
        replace_text(Root(tmp_path / "root"), path, "a", "b")
    assert (tmp_path / "t.yaml").read_text(encoding="utf-8") == "a"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("a", encoding="utf-8")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(SourceError, match="cannot be written"):
            replace_text(Root(tmp_path), "t.yaml", "a", "b")
    finally:
        tmp_path.chmod(0o700)


def test_an_overlay_reads_its_own_texts_and_all_others_from_disk(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(f"{name} on disk", encoding="utf-8")
    root = Overlay(tmp_path, {"a": "a in memory"})
    assert root.read("a").text == "a in memory"
    assert root.read("b").text == "b on disk"
    assert root.read_start("a", 4) == b"a in"
    assert root.read_start("b", 4) == b"b on"
