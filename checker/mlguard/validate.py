"""Ask cfn-lint what it thinks of the templates that were scanned: `mlguard scan --validate`.

A property that is misspelt is one that is not there, and a control that is written with it is off: what cfn-lint
calls an error in a template puts every verdict about it in doubt, and so it is a problem of the run. Its warnings are
its own business. Its rules are those that ship with it: no configuration in the scanned folder adds to them.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import partial
from types import FrameType
from typing import Any

from mlguard.errors import LimitError, MlguardError, SourceError, TemplateError
from mlguard.parse.cloudformation import looks_like_template
from mlguard.source import Document

LARGEST = 1_000_000
"""What CloudFormation takes from a bucket, in bytes; a template that is larger cannot be deployed."""
_PATIENCE = 60
"""Seconds for one template; there are templates that keep cfn-lint busy for an hour."""
_OPENS_FILES = "E3043"  # a rule that opens what a nested stack names, wherever that is
_SUFFIXES = (".json", ".yaml", ".yml", ".template")


class _TooLongError(BaseException):
    """Ends what cfn-lint is at; not an Exception, because cfn-lint takes each of those for the fault of a rule."""


def template_errors(documents: Mapping[str, Document], region: str = "") -> list[MlguardError]:
    """Give what cfn-lint calls an error in each template among the documents.

    A template that cfn-lint cannot deal with is one problem of its own.
    """
    templates = [one for path, one in sorted(documents.items()) if path.lower().endswith(_SUFFIXES)]
    templates = [one for one in templates if looks_like_template(one.text.encode("utf-8", "surrogatepass"))]
    if not templates:
        return []
    try:
        lint = _Linter(region)
    except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever a foreign program does, a user reads of it)
        return [SourceError(f"cfn-lint cannot be started: {_said(error)}")]
    return [error for template in templates for error in _errors(lint, template)]


class _Linter:
    """cfn-lint with its own rules; it is imported here, and costs half a second."""

    def __init__(self, region: str) -> None:
        from cfnlint.config import _DEFAULT_RULESDIR, ConfigMixIn  # noqa: PLC0415
        from cfnlint.decode.decode import decode_str  # noqa: PLC0415
        from cfnlint.helpers import REGION_PRIMARY, REGIONS  # noqa: PLC0415
        from cfnlint.rules import Rules  # noqa: PLC0415
        from cfnlint.runner import run_template_by_data  # noqa: PLC0415

        self._decode = decode_str
        self._run = run_template_by_data
        self._rules = Rules.create_from_directory(_DEFAULT_RULESDIR)
        self._rules.data.pop(_OPENS_FILES, None)
        regions = [region if region in REGIONS else REGION_PRIMARY]
        self._configuration = partial(ConfigMixIn, [], config_file=os.devnull, regions=regions)

    def __call__(self, text: str) -> list[Any]:
        """Give cfn-lint's matches, which have rule, message, line and column."""
        with redirect_stdout(sys.stderr):
            template, matches = self._decode(text)
            return list(matches or self._run(template, self._configuration(), self._rules))


def _errors(lint: _Linter, template: Document) -> Iterator[MlguardError]:
    if len(template.text.encode("utf-8", "surrogatepass")) > LARGEST:
        yield LimitError(f"larger than {LARGEST:,} bytes, more than CloudFormation takes: not validated", template.path)
        return
    try:
        with _time_limit():
            matches = lint(template.text)
    except _TooLongError:
        yield LimitError(f"cfn-lint took longer than {_PATIENCE} seconds: not validated", template.path)
    except (Exception, SystemExit) as error:  # noqa: BLE001  (see above)
        yield SourceError(f"cfn-lint failed: {_said(error)}", template.path)
    else:
        for match in (one for one in matches if one.rule.id.startswith("E")):
            message = f"{match.rule.id} {match.message} (cfn-lint)"
            yield TemplateError(message, template.path, match.linenumber, match.columnnumber)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


@contextmanager
def _time_limit() -> Iterator[None]:
    """Raise _TooLongError after a while, where there is a clock that can: in the main thread, not on Windows."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
