"""Replace the text of a file as a whole: the only code that writes into a scanned folder.

No link is followed, nothing outside of the root is touched, and a file that is no longer as it was read is left alone.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import secrets
import stat
from pathlib import Path

from mlguard.errors import SourceError
from mlguard.source.root import Root, decode

_BY_DESCRIPTOR = {os.open, os.rename, os.unlink} <= os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def replace_text(root: Root, path: str, old: str, new: str) -> None:
    """Replace a file's text, its encoding, byte order mark and mode kept; SourceError where it is not `old` any more.

    The new file takes the place of the old one in one step: whoever reads meets the one or the other.
    """
    before = root.read_bytes(path)
    if decode(before, path) != old:
        raise SourceError("the file has changed since it was read: nothing is written", path)
    mark, encoding = next((one for one in _ENCODINGS if before.startswith(one[0])), (b"", "utf-8"))
    after = mark + new.encode(encoding)
    if mark + old.encode(encoding) != before:
        raise SourceError("the file cannot be written back as it is encoded: nothing is written", path)
    try:
        if _BY_DESCRIPTOR:
            _replace_by_descriptor(root, path, before, after)
        else:
            _replace_by_name(root, path, before, after)
    except OSError as error:
        raise SourceError(f"cannot be written: {os.strerror(error.errno or 0).lower()}", path) from None


def _replace_by_descriptor(root: Root, path: str, before: bytes, after: bytes) -> None:
    *folders, name = path.split("/")
    folder = os.open(root.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folders:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = below
        temporary = f".{name[:100]}.{secrets.token_hex(8)}.mlguard"
        mode = stat.S_IMODE(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(after)
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            _unchanged(root, path, before)
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
    finally:
        os.close(folder)


def _replace_by_name(root: Root, path: str, before: bytes, after: bytes) -> None:
    """Replace without directory descriptors (Windows)."""
    target = root.folder / path
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.mlguard")
    try:
        with Path(temporary).open("xb") as file:
            file.write(after)
        _unchanged(root, path, before)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _unchanged(root: Root, path: str, before: bytes) -> None:
    if root.read_bytes(path) != before:
        raise SourceError("the file has changed since it was read: nothing is written", path)
