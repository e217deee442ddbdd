"""A progress bar on a terminal, for scans that take longer than a moment."""

from __future__ import annotations

import sys
import time

_PATIENCE = 1.0  # seconds before anything is shown
_INTERVAL = 0.1
_WIDTH = 30


class Progress:
    """One line on standard error that is drawn over, and wiped at the end."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._started = time.monotonic()
        self._drawn = 0.0

    def tick(self, what: str, done: int, everything: int) -> None:
        """Show how far a step is; `everything` is 0 where nobody knows."""
        now = time.monotonic()
        if not self._enabled or now - self._started < _PATIENCE or now - self._drawn < _INTERVAL:
            return
        self._drawn = now
        if everything:
            filled = _WIDTH * done // everything
            bar = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {done}/{everything}"
        else:
            bar = f"{done} files"
        sys.stderr.write(f"\r\x1b[K{what} {bar}")
        sys.stderr.flush()

    def close(self) -> None:
        """Wipe the line."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
