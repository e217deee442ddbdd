"""Write what is made of the documentation: README.md's table of packs, policies/README.md and docs/fixes.md.

`python tests/run/readme.py` writes them; with `--check` it only tells, by its exit code, whether they are current.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from mlguard.explain import fix_table, pack_table, policy_tables
from mlguard.policy.load import bundled_policies

TOP = Path(__file__).parents[2]
README = TOP / "README.md"
LIST = TOP / "policies" / "README.md"
FIXES = TOP / "docs" / "fixes.md"


def replaced(text: str, name: str, made: str) -> str:
    """Put what is made between the two comments that carry its name."""
    between = re.compile(rf"(?<=<!-- {name}: made by tests/run/readme\.py -->\n).*?(?=<!-- {name}: end -->)", re.DOTALL)
    if not between.search(text):
        raise SystemExit(f"there is no place for {name}")
    return between.sub(lambda _: f"\n{made}\n", text)


def main() -> int:
    """Write the files, or check them."""
    policies = bundled_policies()
    parts = (
        (README, "packs", pack_table(policies)),
        (LIST, "policies", policy_tables(policies)),
        (FIXES, "fixes", fix_table(policies)),
    )
    current = True
    for file, name, made in parts:
        text = file.read_text(encoding="utf-8")
        new = replaced(text, name, made)
        current = current and new == text
        if "--check" not in sys.argv[1:]:
            file.write_text(new, encoding="utf-8", newline="\n")
    return 0 if current or "--check" not in sys.argv[1:] else 1


if __name__ == "__main__":
    sys.exit(main())
