"""Where what scans find out is kept: in the user's cache folder, never in the code that is scanned."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mlguard.source import Root

if TYPE_CHECKING:
    from mlguard.cache.store import Store

FOLDER = "MLGUARD_CACHE_DIR"


def store_for(root: Root) -> Store | None:
    """Give the store of this user; None where nothing is to be kept.

    `MLGUARD_CACHE_DIR` names the folder, or, empty, none at all. Without it, nothing is kept where `CI` is set: what
    one pull request leaves there is nothing that another one should trust.
    """
    folder = cache_folder()
    if folder is None or root.folder in (folder, *folder.parents):
        return None
    from mlguard.cache.store import Disk  # noqa: PLC0415  (a database, for few projects)

    return Disk(folder)


def cache_folder() -> Path | None:
    """Give the folder as the environment and the system name it, None for none."""
    named = os.environ.get(FOLDER)
    if named is not None:
        return Path(os.path.abspath(named)) if named else None  # noqa: PTH100  (resolve() would follow links)
    if os.environ.get("CI"):
        return None
    try:
        return _of_the_user() / "mlguard"
    except RuntimeError:  # nobody's home
        return None


def _of_the_user() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if named.startswith("/") else Path.home() / ".cache"
