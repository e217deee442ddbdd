"""Ask Terraform for the value and the type of every expression of `console/`, and write down what it says.

A script for maintainers: run `python tests/parse/record_console.py` where the `terraform` command is installed, after
the expressions or their surroundings have changed. The tests only read what it wrote.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

FOLDER = Path(__file__).with_name("console")
RECORDED = FOLDER / "recorded.json"


def expressions() -> list[str]:
    """Read the list: one expression a line, without comments and blank lines."""
    lines = (FOLDER / "expressions.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _asked(folder: Path, expression: str) -> str | None:
    """Give what the console prints for an expression, None where Terraform refuses it."""
    environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1", "TZ": "UTC"}
    command = ["terraform", "console", "-no-color"]
    done = subprocess.run(
        command, cwd=folder, env=environment, input=expression, capture_output=True, text=True, check=False
    )
    if done.returncode and "<console-input>" not in done.stderr:
        raise SystemExit(f"terraform console failed over {expression}: {done.stderr}")
    return None if done.returncode else done.stdout.strip()


def recorded(folder: Path, expression: str) -> dict[str, object]:
    """Give the value and the type of one expression, or that there is none.

    The value travels as JSON in base64: the console prints texts in a notation of its own.
    """
    value = _asked(folder, f"base64encode(nonsensitive(jsonencode([{expression}])))")
    kind = _asked(folder, f"type({expression})") if value else None
    if value is None or kind is None or not value.startswith('"'):  # "(known after apply)" is no value either
        return {"expression": expression, "refused": True}
    found = base64.b64decode(json.loads(value)).decode()
    return {"expression": expression, "json": found[1:-1], "type": "".join(kind.split())}


def main() -> None:
    """Record everything, in the order of the list."""
    version = json.loads(subprocess.run(["terraform", "version", "-json"], capture_output=True, check=True).stdout)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
        values = [recorded(Path(folder), expression) for expression in expressions()]
    found = {"terraform": version["terraform_version"], "expressions": values}
    RECORDED.write_text(json.dumps(found, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
