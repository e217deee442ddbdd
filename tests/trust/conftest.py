"""Scratch repositories of git."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Scratch:
    """A repository of git that a test writes and commits to."""

    folder: Path

    def git(self, *arguments: str) -> str:
        """Run git in it."""
        name = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
        command = ["git", *name, *arguments]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True, input="")
        return done.stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        """Write files without committing them."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def commit(self, files: Mapping[str, str], message: str = "change") -> str:
        """Write files, commit everything, and give the id of the commit."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scratch:
    """Give an empty repository, and go into it."""
    folder = tmp_path / "repository"
    folder.mkdir()
    made = Scratch(folder)
    made.git("init", "--quiet", "--initial-branch=main")
    monkeypatch.chdir(folder)
    return made
