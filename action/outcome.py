"""Tell GitHub what came of a scan: `outcome.py REPORTS CODE` annotates what went wrong and writes the outputs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

_UNTRUSTED = 2
_SHOWN = 4000


def annotation(said: str, code: int) -> str:
    """Give what mlguard said on standard error as a workflow command, escaped as GitHub asks."""
    escaped = said[:_SHOWN].strip().replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{'error' if code >= _UNTRUSTED else 'notice'} title=mlguard::{escaped}"


def outputs(reports: Path, code: int) -> dict[str, object]:
    """Give the outputs of the action; those of a report that was not written are left out."""
    found: dict[str, object] = {"exit-code": code}
    sarif, report = reports / "mlguard.sarif", reports / "report.json"
    if sarif.is_file():
        found["sarif-file"] = sarif
    if report.is_file():
        content = json.loads(report.read_text(encoding="utf-8"))
        at_stake = content["exposure"]["monthly_usd"]
        found["findings"] = content["counts"]["failing"]
        found["monthly-exposure"] = "" if at_stake is None else at_stake["low"]
    return found


def main() -> int:
    """Annotate and write."""
    reports, code = Path(sys.argv[1]), int(sys.argv[2])
    said = (reports / "errors.txt").read_text(encoding="utf-8", errors="replace")
    if said.strip():
        print(annotation(said, code))  # noqa: T201  (workflow commands are printed)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{name}={value}\n" for name, value in outputs(reports, code).items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
