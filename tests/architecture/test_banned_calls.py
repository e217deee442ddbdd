"""What could run code, reach the network or open files stands in the few places that are for it, or nowhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKER = Path(__file__).parents[2] / "checker" / "mlguard"
NOWHERE = """
    asyncio code codeop cffi ctypes dill ftplib http httpx imaplib joblib marshal nntplib poplib pty requests
    runpy selectors shelve smtplib socket socketserver ssl telnetlib urllib.request webbrowser wsgiref xmlrpc
"""
"""Modules that nothing imports."""
ONE_PLACE = {
    "subprocess": "history/git.py",
    "multiprocessing": "scan/processes.py",
    "concurrent": "scan/processes.py",
    "pickle": "scan/processes.py",  # what the processes of one run send each other, nothing that was stored or scanned
}
"""Modules that one module imports, for the whole project."""
CALLS = """
    eval exec compile __import__ input breakpoint os.system os.popen os.startfile os.fork os.forkpty
    yaml.load yaml.load_all yaml.full_load yaml.full_load_all yaml.unsafe_load yaml.unsafe_load_all
"""
"""What nothing calls; nor what begins with `os.exec`, `os.spawn` or `os.posix_spawn`."""
MAY_CALL = {
    "record.py": "exec"
}  # constructors, of names of fields that stand in classes here; dataclasses does the same
OPENERS = ("open", "read_text", "read_bytes", "write_text", "write_bytes", "NamedTemporaryFile", "fdopen")
MAY_OPEN = {
    "source/root.py": "the one way to read what is scanned",
    "source/replacing.py": "the one way to change what is scanned, when --fix asks for it",
    "cli/outcome.py": "writes the report that --output names",
    "cli/config.py": "reads bundled data",
    "cli/init.py": "writes the files that the user asks for",
    "cli/scp.py": "writes the documents that --out names",
    "cli/main.py": "opens the null device when standard output is closed",
    "authoring.py": "writes the skeleton and the examples of a policy",
    "compiled.py": "reads bundled data",
    "knowledge/tables.py": "reads bundled data",
    "parse/terraform/grammar.py": "reads bundled data",
    "policy/load.py": "reads policies",
    "render/fragments.py": "reads bundled data",
    "source/overlay.py": "a Root whose files somebody wants to change",
    "policy/parameters.py": "reads bundled data",
    "vocabulary/load.py": "reads bundled data",
}
"""Modules that open files, and why."""
MODULES = sorted(CHECKER.rglob("*.py"))


def named(path: Path) -> str:
    return path.relative_to(CHECKER).as_posix()


def imports(tree: ast.AST) -> Iterator[str]:
    """Give the names of the modules that are imported, and of what is taken from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "import_module":
            yield ast.unparse(node.args[0]).strip("'\"")


def calls(tree: ast.AST) -> Iterator[str]:
    """Give what is called, as it is written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def opens(call: str) -> bool:
    """Tell whether a call opens a file; a Root's methods of such names are the way to do it."""
    receiver, _, name = call.rpartition(".")
    return name in OPENERS and not receiver.lower().endswith("root")


def faults(source: str, name: str) -> list[str]:
    """Give what a module does that it may not."""
    tree = ast.parse(source)
    found = []
    for module in imports(tree):
        parts = module.split(".")
        above = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
        found += [f"imports {module}"] * bool(above & set(NOWHERE.split()))
        found += [f"imports {module}"] * any(ONE_PLACE.get(part, name) != name for part in above)
    for call in calls(tree):
        banned = call in CALLS.split() or call.startswith(("os.exec", "os.spawn", "os.posix_spawn"))
        found += [f"calls {call}"] * (banned and MAY_CALL.get(name) != call)
        found += [f"opens a file by {call}"] * (opens(call) and name not in MAY_OPEN)
    return found


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_nothing_is_run_fetched_or_opened_out_of_place(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8"), named(path)) == []


def test_what_may_open_files_does() -> None:
    for name in MAY_OPEN:
        path = CHECKER / name
        assert not path.exists() or any(map(opens, calls(ast.parse(path.read_text(encoding="utf-8"))))), name


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess",
        "from subprocess import run",
        "import urllib.request",
        "from urllib import request",
        "from http import client",
        "from importlib import import_module\nimport_module('pickle')",
        "eval('1')",
        "import os\nos.execv('a', [])",
        "import yaml\nyaml.load('')",
        "open('a')",
        "from pathlib import Path\nPath('a').read_text()",
    ],
)
def test_the_check_would_find_it(source: str) -> None:
    assert faults(source, "scan/check.py")


@pytest.mark.parametrize(
    "source", ["import urllib.parse", "self._root.read_bytes('a')", "re.compile('a')", "node.eval()"]
)
def test_the_check_finds_nothing_else(source: str) -> None:
    assert faults(source, "scan/check.py") == []
