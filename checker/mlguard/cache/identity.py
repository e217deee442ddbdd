"""Which mlguard this is: what one version found out says nothing of what another one would."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path

from mlguard.bundled import policies_folder

_DEPENDENCY = re.compile(r"(?i)(?:cfn[-_.]lint|python[-_.]hcl2|lark|pyyaml|jsonschema)-[^-]*\.dist-info\Z")


@cache
def identity() -> str:
    """Give a text that changes with every file of the program, its policies and its data, and with what runs it."""
    package = Path(__file__).parent.parent
    written = repr((sys.version, _dependencies(), sorted({*_files(str(package)), *_files(str(policies_folder()))})))
    return blake2b(written.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _dependencies() -> list[str]:
    """Give the installed versions of what mlguard needs, as the names of their folders tell them."""
    found: set[str] = set()
    for path in filter(None, sys.path):
        with suppress(OSError):
            found.update(name for name in os.listdir(path) if _DEPENDENCY.match(name))
    return sorted(found)


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
                continue
            status = entry.stat()
            yield entry.path, status.st_size, status.st_mtime_ns
