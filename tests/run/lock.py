"""Write the locks in requirements/: every package that is installed, with its version and the hashes of its files.

`python tests/run/lock.py` takes the newest versions that pyproject.toml allows, for every platform and for Python 3.11
and later. `run.txt` is what mlguard needs, `build.txt` what building it from a checkout needs as well, and
`development.txt` what ./check needs.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import uv

TOP = Path(__file__).parents[2]
FOLDER = TOP / "requirements"
HEADER = "# Made by tests/run/lock.py from pyproject.toml. Install with `pip install --require-hashes -r`.\n"
OPTIONS = ("--universal", "--python-version=3.11", "--generate-hashes", "--no-header", "--no-annotate", "--upgrade")


def locked(*sources: str, wanted: str = "") -> str:
    """Resolve what the sources ask for, and what stands in `wanted`."""
    command = [uv.find_uv_bin(), "pip", "compile", *OPTIONS, *sources, *(["-"] if wanted else [])]
    return subprocess.run(command, cwd=TOP, input=wanted, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> int:
    """Write all of them."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    build = "\n".join(project["build-system"]["requires"])
    FOLDER.mkdir(exist_ok=True)
    for name, text in {
        "run.txt": locked("pyproject.toml"),
        "build.txt": locked("pyproject.toml", wanted=build),
        "development.txt": locked("pyproject.toml", "--group=dev", wanted=build),
    }.items():
        (FOLDER / name).write_text(HEADER + text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
