"""The names of the files that git tracks, read from `.git/index` without running git.

https://git-scm.com/docs/index-format, versions 2 to 4. Nothing else of the file is looked at.
"""

from __future__ import annotations

import struct

MAX_BYTES = 200_000_000
_HEADER = struct.Struct(">4sII")
_SHA1, _SHA256 = 20, 32
_BEFORE_ID = 40
_EXTENDED = 0x4000
_VERSION_2, _VERSION_3, _VERSION_4 = 2, 3, 4
_SPLIT = b"link"
_UNREADABLE = "the index of git is not one that can be read here"


def tracked(content: bytes, suffixes: tuple[bytes, ...]) -> frozenset[bytes] | None:
    """Give the tracked paths that end so, in lower case or not; None where the index does not tell all of them."""
    for size in (_SHA1, _SHA256):
        try:
            found, end = _names(content, size, suffixes)
        except (struct.error, ValueError, IndexError):
            continue
        if _tells_all(content, end, size):
            return found
    return None


def _names(content: bytes, id_size: int, suffixes: tuple[bytes, ...]) -> tuple[frozenset[bytes], int]:
    signature, version, count = _HEADER.unpack_from(content)
    if signature != b"DIRC" or not _VERSION_2 <= version <= _VERSION_4:
        raise ValueError(_UNREADABLE)
    at, name = _HEADER.size, b""
    found = []
    for _ in range(count):
        start = at
        (flags,) = struct.unpack_from(">H", content, at + _BEFORE_ID + id_size)
        at += _BEFORE_ID + id_size + 2 + (2 if flags & _EXTENDED else 0)
        if version == _VERSION_4:
            strip, at = _number(content, at)
            end = content.index(b"\0", at)
            name = name[: len(name) - strip] + content[at:end]
            at = end + 1
        else:
            end = content.index(b"\0", at)
            name = content[at:end]
            at = start + (end - start + 8) // 8 * 8
        if name.lower().endswith(suffixes):
            found.append(name)
    return frozenset(found), at


def _number(content: bytes, at: int) -> tuple[int, int]:
    """Read an offset as git packs it: seven bits a byte, and one more for each byte that follows."""
    byte = content[at]
    value = byte & 0x7F
    while byte & 0x80:
        at += 1
        byte = content[at]
        value = ((value + 1) << 7) | (byte & 0x7F)
    return value, at + 1


def _tells_all(content: bytes, at: int, id_size: int) -> bool:
    """Walk over the extensions to the checksum: a split index keeps most names in another file."""
    while at < len(content) - id_size:
        name = content[at : at + 4]
        if name == _SPLIT or not name.isalpha():
            return False
        (size,) = struct.unpack_from(">I", content, at + 4)
        at += 8 + size
    return at == len(content) - id_size
