"""A way to mend a few files as the command line would, in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from mlguard.configuration import parse_configuration
from mlguard.finding import Report
from mlguard.policy.load import bundled_policies
from mlguard.record import record
from mlguard.repair.rounds import Mended, mend
from mlguard.scan import Options, scan
from mlguard.scan.selection import choose
from mlguard.source import Document, Overlay


@record()
class Outcome:
    """The report before, and what was made of it."""

    before: Report
    made: Mended

    def text(self, path: str) -> str:
        """Give the text of a file afterwards."""
        return self.made.texts.get(path) or self.before.documents[path].text

    @property
    def refusals(self) -> list[str]:
        """Give why something is not mended, whether that was tried or not."""
        planned_not = [one.repair.refused for one in self.before.findings if one.repair and one.repair.refused]
        return [*planned_not, *(why for _, why in self.made.refused)]


Mending = Callable[..., Outcome]


@pytest.fixture
def mending(tmp_path: Path) -> Mending:
    """Give a function that writes files, scans them, and mends all that a policy finds."""

    def run(files: Mapping[str, str], *select: str, parameters: str = "", unsafe: bool = True) -> Outcome:
        for path, text in files.items():
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode("utf-8"))
        return mend_folder(tmp_path, select, parameters, unsafe=unsafe)

    return run


def mend_folder(folder: Path, select: Sequence[str], parameters: str, *, unsafe: bool) -> Outcome:
    """Scan a folder and mend it in memory."""
    policies = choose(bundled_policies(), select, ())
    configuration = parse_configuration(Document(".mlguard.yaml", parameters))

    def again(texts: Mapping[str, str]) -> Report:
        root = Overlay(folder, texts)
        return scan(Options(root=root, policies=policies, known=bundled_policies(), configuration=configuration))

    report = again({})
    return Outcome(report, mend(report, again, lambda one: one.repair is not None and (one.repair.safe or unsafe)))
