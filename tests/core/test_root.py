"""Reading of files: only regular ones, only inside of the root, only up to a size, only text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlguard.errors import LimitError, SourceError
from mlguard.source import Root


def write(folder: Path, name: str, content: bytes) -> Root:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Root(folder)


@pytest.mark.parametrize(
    ("base", "relative", "wanted"),
    [
        ("a/b", "c.tf", "a/b/c.tf"),
        ("a/b", "../c.tf", "a/c.tf"),
        ("a/b", "./x/../c.tf", "a/b/c.tf"),
        ("", "c.tf", "c.tf"),
        ("a", "..", ""),
        ("a", "../../c.tf", None),
        ("", "../c.tf", None),
        ("a", "/etc/passwd", None),
        ("a", "~/x", None),
        ("a", "C:\\x", None),
        ("a", "\\\\host\\share", None),
        ("a", "x\0y", None),
        ("a", "..\\..\\x", None),
        ("a", "x/../../../y", None),
    ],
)
def test_resolve_keeps_every_path_inside(base: str, relative: str, wanted: str | None) -> None:
    assert Root(Path()).resolve(base, relative) == wanted


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret", "a\0b", "", "."])
def test_a_path_that_leaves_the_root_is_refused(tmp_path: Path, path: str) -> None:
    root = write(tmp_path / "in", "a/x.tf", b"")
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(SourceError, match="leaves the scanned folder") as caught:
        root.read_bytes(path)
    assert caught.value.path == path
    assert not root.is_file(path)


def test_links_are_not_followed(tmp_path: Path) -> None:
    root = write(tmp_path / "in", "good/x.tf", b"x")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "in" / "link.tf").symlink_to(tmp_path / "secret")
    (tmp_path / "in" / "folder").symlink_to(tmp_path / "in" / "good")
    (tmp_path / "in" / "loop").symlink_to("loop")
    for path in ("link.tf", "folder/x.tf", "loop"):
        with pytest.raises(SourceError, match="symbolic link, not followed"):
            root.read(path)
        assert not root.is_file(path)
    assert not root.is_folder("folder")
    assert root.names("folder") == []


def test_a_pipe_and_a_folder_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.tf").mkdir()
    for path in ("pipe.yaml", "folder.tf"):
        with pytest.raises(SourceError, match="not a regular file"):
            Root(tmp_path).read(path)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        Root(tmp_path).read("none.tf")


def test_a_name_of_absurd_length_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="too long"):
        Root(tmp_path).read("x" * 5000)


def test_a_name_that_no_file_system_can_hold_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        Root(tmp_path).read("half a surrogate pair \ud800")


def test_the_limit_is_inclusive(tmp_path: Path) -> None:
    root = write(tmp_path, "x.tf", b"12345")
    assert root.read_bytes("x.tf", 5) == b"12345"
    with pytest.raises(LimitError, match="larger than 4 bytes"):
        root.read_bytes("x.tf", 4)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"\xef\xbb\xbfa: 1", "a: 1"),
        ("a: é".encode("utf-16"), "a: é"),
        (b"\xfe\xff" + "a: é".encode("utf-16-be"), "a: é"),
        ("a: 世界".encode(), "a: 世界"),
        (b"a\r\nb\rc", "a\r\nb\rc"),
        (b"", ""),
    ],
)
def test_encodings(tmp_path: Path, content: bytes, wanted: str) -> None:
    assert write(tmp_path, "x", content).read("x").text == wanted


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b"a\nb\xff\n", "not valid utf-8 at byte 3", 2),
        ("a".encode("utf-32"), "UTF-32 is not supported", 0),
        (b"a\nb\nc\0", "NUL character", 3),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer", 1),
        (b"\0GITCRYPT\0abc", "git-crypt", 0),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(tmp_path: Path, content: bytes, message: str, line: int) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        write(tmp_path, "x.yaml", content).read("x.yaml")
    assert (caught.value.path, caught.value.line) == ("x.yaml", line)
