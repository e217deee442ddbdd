"""Read files of a scanned folder: only regular files, only inside it, only up to a size.

A scanned repository belongs to a stranger. No link is followed, no device or pipe is opened for reading, and a path
that leaves the root is refused before it reaches the operating system.
"""

from __future__ import annotations

import codecs
import errno
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Literal, TypeVar

from mlguard.errors import LimitError, SourceError
from mlguard.record import record
from mlguard.source.document import Document

MAX_BYTES = 10_000_000
_CHUNK = 1 << 20
_LFS = b"version https://git-lfs.github.com/spec/"
_ENCRYPTED = b"\0GITCRYPT"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_REASONS = {errno.EACCES: "permission denied", errno.ENOENT: "no such file", errno.ENAMETOOLONG: "the path is too long"}
T = TypeVar("T")
Noted = Mapping[str, str]
"""What was asked of a root, each question a word and a path, with the answers, or hashes of them."""
_BY_DESCRIPTOR = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")


@record(order=True)
class Entry:
    """What stands in a folder: its name, and what it is; a link is never followed."""

    name: str
    kind: Literal["file", "folder", "link", "other"]


class Root:
    """A folder, and the reading of files below it.

    Every path given to its methods is relative to the folder and written with forward slashes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resolve(self, base: str, relative: str) -> str | None:
        """Join a path found in the file folder `base`; None when it is absolute or leaves the root."""
        if relative.startswith(("/", "\\", "~")) or "\0" in relative or (len(relative) > 1 and relative[1] == ":"):
            return None
        parts: list[str] = [part for part in base.split("/") if part not in ("", ".")]
        for part in relative.replace("\\", "/").split("/"):
            if part == "..":
                if not parts:
                    return None
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        return "/".join(parts)

    def read_bytes(self, path: str, limit: int = MAX_BYTES) -> bytes:
        """Read a regular file of at most `limit` bytes; SourceError or LimitError otherwise."""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if not parts or ".." in parts or path.startswith("/") or "\0" in path:
            raise SourceError("the path leaves the scanned folder", path)
        try:
            descriptor = self._open(parts, path)
        except OSError as error:
            raise SourceError(_reason(error), path) from None
        except ValueError:
            raise SourceError("the path holds characters that no file name can hold", path) from None
        try:
            return _read_regular(descriptor, path, limit)
        except OSError as error:
            raise SourceError(_reason(error), path) from None
        finally:
            os.close(descriptor)

    def read_start(self, path: str, size: int) -> bytes:
        """Read the first `size` bytes of a regular file that is too large to be read; SourceError otherwise."""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        try:
            descriptor = self._open(parts, path)
            try:
                return os.read(descriptor, size) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
            finally:
                os.close(descriptor)
        except OSError as error:
            raise SourceError(_reason(error), path) from None

    def read(self, path: str, limit: int = MAX_BYTES) -> Document:
        """Read a text file: UTF-8 or UTF-16 by its byte order mark; SourceError where it is something else."""
        return Document(path, decode(self.read_bytes(path, limit), path))

    def is_file(self, path: str) -> bool:
        """Tell whether the path is a regular file inside the root, no link on its way."""
        return self._kind(path, stat.S_ISREG)

    def is_folder(self, path: str) -> bool:
        """Tell whether the path is a folder inside the root, no link on its way."""
        return path == "" or self._kind(path, stat.S_ISDIR)

    def exists(self, path: str) -> bool:
        """Tell whether anything at all stands there: a link or a pipe as well."""
        return os.path.lexists(f"{os.fspath(self.folder)}/{path}")  # joining a Path costs more than asking the system

    def entries(self, folder: str) -> list[Entry]:
        """List a folder, sorted by name; SourceError where that cannot be done."""
        try:
            with os.scandir(f"{self.folder}/{folder}") as found:
                return [Entry(entry.name, _kind_of(entry)) for entry in sorted(found, key=attrgetter("name"))]
        except OSError as error:
            raise SourceError(f"the folder cannot be listed: {os.strerror(error.errno or 0)}", folder) from None

    def link_target(self, path: str) -> str | None:
        """Give where a symbolic link leads, as its text says it; None where that is outside of the root."""
        try:
            written = os.fspath((self.folder / path).readlink())
        except (OSError, ValueError):
            return None
        return self.resolve(path.rpartition("/")[0], written)

    def names(self, folder: str) -> list[str]:
        """List the names in a folder, sorted; empty when it cannot be listed."""
        if not self.is_folder(folder):
            return []
        try:
            return sorted(os.listdir(self.folder / folder))
        except OSError:
            return []

    def watching(self, make: Callable[[], T]) -> tuple[T, Noted]:
        """Give what is made, and what was asked for it: a root that is not watched notes nothing."""
        return make(), {}

    def again(self, noted: Noted) -> None:
        """Note what was asked earlier for something that is used now."""

    def never_the_same(self) -> None:
        """Note that something was used of which nobody can say what it was made of."""

    def _kind(self, path: str, is_kind: object) -> bool:
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if ".." in parts or path.startswith("/") or "\0" in path:
            return False
        here = os.fspath(self.folder)
        try:
            for index, part in enumerate(parts):
                here = f"{here}/{part}"  # a Path for each step would cost more than asking the system
                mode = os.lstat(here).st_mode
                last = index == len(parts) - 1
                if not (is_kind(mode) if last else stat.S_ISDIR(mode)):  # type: ignore[operator]
                    return False
        except (OSError, ValueError):
            return False
        return bool(parts)

    def _open(self, parts: list[str], path: str) -> int:
        if not _BY_DESCRIPTOR:
            return self._open_by_name(parts, path)
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | (0 if last else os.O_DIRECTORY)
            try:
                following = os.open(part, flags, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = following
        return descriptor

    def _open_by_name(self, parts: list[str], path: str) -> int:
        """Open without directory descriptors (Windows): each step is looked at first."""
        here = self.folder
        for part in parts:
            here = here / part
            if stat.S_ISLNK(here.lstat().st_mode):
                raise SourceError("a symbolic link, not followed", path)
        if not stat.S_ISREG(here.lstat().st_mode):
            raise SourceError("not a regular file", path)
        return os.open(here, os.O_RDONLY | getattr(os, "O_BINARY", 0))


def _kind_of(entry: os.DirEntry[str]) -> Literal["file", "folder", "link", "other"]:
    if entry.is_file(follow_symlinks=False):
        return "file"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "link" if entry.is_symlink() else "other"


def root_of(paths: Sequence[Path]) -> Path:
    """Give the folder that nothing outside of is read: the repository around the paths, else their common folder."""
    absolute = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100  (resolve() would follow links)
    common = Path(os.path.commonpath(absolute))
    folder = common if common.is_dir() else common.parent
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    here = Path.cwd()
    return here if here == folder or here in folder.parents else folder


def _reason(error: OSError) -> str:
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "a symbolic link, not followed"
    if error.errno == errno.ENXIO:
        return "not a regular file"
    return _REASONS.get(error.errno or 0) or os.strerror(error.errno or 0).lower()


def _read_regular(descriptor: int, path: str, limit: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise SourceError("not a regular file", path)
    chunks: list[bytes] = []
    room = limit + 1  # the size that fstat gives may lie: the file may grow while it is read
    while room > 0 and status.st_size <= limit:
        chunk = os.read(descriptor, min(_CHUNK, room))
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        room -= len(chunk)
    raise LimitError(f"larger than {limit:,} bytes, the limit for one file", path)


def decode(content: bytes, path: str) -> str:
    """Turn a file's bytes into text; SourceError with the line where that fails."""
    if content.startswith(_LFS):
        raise SourceError("a Git LFS pointer, not the file itself: check out with LFS", path, 1)
    if content.startswith(_ENCRYPTED):
        raise SourceError("encrypted by git-crypt: unlock the repository first", path)
    encoding = "utf-8"
    for mark, name in _MARKS:
        if content.startswith(mark):
            if not name:
                raise SourceError("UTF-32 is not supported: save the file as UTF-8", path)
            content, encoding = content[len(mark) :], name
            break
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceError(f"not valid {encoding} at byte {error.start}: save the file as UTF-8", path, line) from None
    nul = text.find("\0")
    if nul >= 0:
        raise SourceError("contains a NUL character", path, text.count("\n", 0, nul) + 1)
    return text
