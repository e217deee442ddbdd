"""What mlguard asks of the system, as strace sees it: no connection, no program but git, nothing read from outside."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlguard.bundled import policies_folder

OWN = (sys.prefix, sys.base_prefix, *filter(None, sys.path), str(policies_folder()))
SYSTEM = (
    "/lib", "/usr/lib", "/usr/local/lib", "/etc/ld.so", "/etc/locale.alias", "/etc/ssl/openssl.cnf",
    "/usr/share/locale", "/usr/share/zoneinfo", "/dev/null", "/proc/self/",
)  # fmt: skip
CALLS = "execve,execveat,socket,connect,bind,sendto,open,openat,openat2,creat,rename,renameat,renameat2,mkdir,unlink"
_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?")
_PROGRAM = re.compile(r'"((?:[^"\\]|\\.)*)"')
_AT_ONCE = 900  # seconds for all cases in one scan
pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@dataclass(slots=True)
class Seen:
    """What a program did: what it ran, what it connected to, what it changed, and the files that it opened to read."""

    programs: list[str] = field(default_factory=list)
    network: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    def outside(self, root: Path) -> list[str]:
        """Give what was read and is neither below the root, nor mlguard's, Python's, or a library of the system."""
        allowed = (*map(os.path.realpath, OWN), *OWN, *SYSTEM, f"{root}/")
        return [path for path in self.read if not path.startswith(allowed) and path != str(root)]


def traced(command: Sequence[str | Path], folder: Path, log: Path) -> Seen:
    """Run a command under strace."""
    strace = ["strace", "-f", "-y", "-s", "4096", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(log)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([*strace, *command], cwd=folder, env=environment, capture_output=True, check=False, timeout=_AT_ONCE)
    seen = Seen()
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _CALL.match(line)
        if match is not None and int(match[3]) >= 0:  # what failed has read and changed nothing
            _note(seen, match)
        elif line.partition("(")[0].split()[-1:] in (["socket"], ["connect"]):
            seen.network.append(line)
    return seen


def _note(seen: Seen, match: re.Match[str]) -> None:
    call, arguments, path = match[1], match[2], match[4]
    if call.startswith("execve"):
        named = _PROGRAM.search(arguments)
        seen.programs.append(named[1] if named else arguments)
    elif call in ("socket", "connect", "bind", "sendto"):
        seen.network.append(arguments)
    elif not call.startswith(("open", "creat")) or re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", arguments):
        if path != "/dev/null":
            seen.changed.append(f"{call}({arguments})")
    else:
        seen.read.append(path or arguments)


def lay_out(case: Any, folder: Path) -> None:  # noqa: ANN401  (a case of the module beside this one)
    """Write the files, links and pipes of a case."""
    folder.mkdir(parents=True)
    for name, content in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    for name, target in case.links.items():
        (folder / name).symlink_to(target)
    for name in case.pipes:
        os.mkfifo(folder / name)


def scan() -> list[str]:
    return [sys.executable, "-P", "-m", "mlguard", "scan", ".", "--no-progress", "--select", "notebook*", "--verbose"]


def test_the_watch_sees_what_it_must(tmp_path: Path) -> None:
    doing = "import os, socket; open('/etc/passwd'); open('new', 'w'); socket.socket(); os.system('true')"
    seen = traced([sys.executable, "-c", doing], tmp_path, tmp_path / "log")
    assert "/etc/passwd" in seen.outside(tmp_path)
    assert any("new" in call for call in seen.changed)
    assert seen.network
    assert any(program.endswith("/sh") for program in seen.programs)


def test_nothing_outside_is_touched(cases: list[Any], tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    alone: list[Path] = []
    for number, case in enumerate(cases):
        folder = root / f"case{number}"
        if case.at_root:
            folder = tmp_path / f"alone{number}" / "repository"
            alone.append(folder)
        lay_out(case, folder)
    seen = [(root, traced(scan(), root, tmp_path / "log"))]
    seen += [(one, traced(scan(), one, tmp_path / "log")) for one in alone]
    print(  # noqa: T201  (the figures, shown with -s)
        f"{len(cases)} cases, {len(seen)} scans, {sum(len(one.read) for _, one in seen):,} files and folders opened, "
        f"{sum(len([path for path in one.read if path.startswith(f'{at}/')]) for at, one in seen):,} of them scanned"
    )
    for folder, one in seen:
        assert [program for program in one.programs if not program.endswith("/git")] == [sys.executable]
        assert one.network == []
        assert one.changed == []
        assert sorted(set(one.outside(folder))) == []
    assert len([path for path in seen[0][1].read if path.startswith(f"{root}/")]) > len(cases)
