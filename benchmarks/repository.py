"""Compare a scan of a large repository with a search through it: `python benchmarks/repository.py FOLDER`.

Always measured: a scan that knows nothing, one that remembers the one before it, and `git grep`, below which no scanner
can come. With `--peers` also checkov, once, for it takes minutes. `--program` names an installed mlguard: this checkout
reads its policies from YAML, which takes longer.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from measure import Contender, installed, mlguard, tables, version

_TEMPLATES = (".yaml", ".yml", ".json", ".template")


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", action="store_true", help="install checkov, and measure it too")
    parser.add_argument("--work", type=Path, help="keep the peers in this folder; a temporary one by default")
    parser.add_argument("--program", type=Path, help="an installed mlguard to measure instead of this checkout")
    options = parser.parse_args()
    names = [name for _, _, files in os.walk(options.folder) for name in files]
    code, markup = (sum(name.endswith(ends) for name in names) for ends in (".tf", _TEMPLATES))
    what = f"{len(names):,} files, {code:,} of Terraform, {markup:,} of YAML or JSON"
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        folder = options.folder.resolve()
        target = [str(folder), "--jobs", "1"]
        contenders = [
            mlguard(target, work / "cold", cold=True, program=options.program),
            mlguard(target, work / "warm", cold=False, program=options.program),
            Contender("git grep -c aws_sagemaker", ["git", "grep", "-c", "aws_sagemaker", "--", "."], folder),
        ]
        once = []
        if options.peers:
            checkov = installed(work, "checkov")
            frameworks = ["--framework", "terraform", "cloudformation", "--skip-download", "--quiet"]
            command = [str(checkov / "checkov"), *frameworks, "-d", str(folder)]
            once.append(Contender(f"checkov {version(checkov, 'checkov')}, one run", command))
        return tables([(what, contenders)], options.runs, work, once)


if __name__ == "__main__":
    sys.exit(main())
