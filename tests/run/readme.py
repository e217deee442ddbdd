"""Write the parts of README.md that are made: the table of policies, and a run with its real output.

`python tests/run/readme.py` writes them; with `--check` it only tells, by its exit code, whether they are current.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from mlguard.explain import policy_table
from mlguard.policy.load import bundled_policies

TOP = Path(__file__).parents[2]
README = TOP / "README.md"
SHOWN = ("scan", "fixtures/terraform/prod", "--select", "budgets", "--select", "auto-shutdown")


def run() -> str:
    """Give a command and what it prints, as a console block."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "mlguard", *SHOWN, "--no-progress"]
    ended = subprocess.run(command, cwd=TOP, env=environment, capture_output=True, check=False, encoding="utf-8")
    return f"```console\n$ mlguard {' '.join(SHOWN)}\n{ended.stdout}```\n"


def replaced(text: str, name: str, made: str) -> str:
    """Put what is made between the two comments that carry its name."""
    between = re.compile(rf"(?<=<!-- {name}: made by tests/run/readme\.py -->\n).*?(?=<!-- {name}: end -->)", re.DOTALL)
    if not between.search(text):
        raise SystemExit(f"README.md has no place for {name}")
    return between.sub(lambda _: f"\n{made}\n", text)


def main() -> int:
    """Write README.md, or check it."""
    text = README.read_text(encoding="utf-8")
    made = replaced(replaced(text, "policies", policy_table(bundled_policies())), "run", run())
    if "--check" in sys.argv[1:]:
        return 0 if made == text else 1
    README.write_text(made, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
