"""`mlguard scan --diff` and `--fix` as a user meets them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlguard.cli import main

BUCKET = 'resource "aws_s3_bucket" "data" {\n  bucket = "acme-ml-data"\n}\n'
LOGS = 'resource "aws_cloudwatch_log_group" "x" {\n  name              = "/aws/sagemaker/x"\n}\n'
Write = Callable[[Mapping[str, str]], Path]
SELECT = ("--select", "bucket-without-lifecycle", "--select", "log-group-without-retention")


@pytest.fixture(autouse=True)
def _no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Give a function that writes the files of a repository and goes into it."""

    def run(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8"))
        (tmp_path / ".git").mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return run


def scan(*arguments: str) -> int:
    return main(["scan", "--no-progress", *SELECT, *arguments])


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def test_a_diff_shows_what_would_change_and_changes_nothing(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    folder = write({"main.tf": BUCKET})
    assert scan("--diff") == 1
    out, err = capfd.readouterr()
    assert out.startswith("--- a/main.tf\n+++ b/main.tf\n@@ -1,3 +1,20 @@\n")
    assert '+resource "aws_s3_bucket_lifecycle_configuration" "data" {\n' in out
    assert err == "mlguard: 1 finding would be mended in 1 file\n"
    assert text_of(folder / "main.tf") == BUCKET


def test_a_diff_can_be_applied_and_is_what_fix_writes(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    files = {"a/main.tf": BUCKET.removesuffix("\n"), "a/logs.tf": LOGS.replace("\n", "\r\n")}
    folder = write(files)
    assert scan("--diff", "--unsafe-fixes", "--output", "x.patch") == 1
    capfd.readouterr()
    (folder / ".git").rmdir()
    subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
    subprocess.run(["git", "apply", "--check", "x.patch"], cwd=folder, check=True)
    subprocess.run(["git", "apply", "x.patch"], cwd=folder, check=True)
    patched = {name: (folder / "a" / name).read_bytes() for name in ("main.tf", "logs.tf")}
    write(files)
    assert scan("--fix", "--unsafe-fixes") == 0
    assert {name: (folder / "a" / name).read_bytes() for name in patched} == patched


def test_fix_mends_what_is_safe_and_reports_what_remains(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    folder = write({"main.tf": BUCKET, "logs.tf": LOGS})
    assert scan("--fix") == 1
    out = capfd.readouterr().out
    assert "fixed  main.tf:1  bucket-without-lifecycle: move objects to Intelligent-Tiering" in out
    assert "1 finding mended in 1 file; 1 more with --unsafe-fixes\n" in out
    assert out.index("1 finding mended") < out.index("logs.tf:1:1  medium  log-group-without-retention")
    assert "bucket-without-lifecycle" not in out[out.index("1 finding mended") :]
    assert text_of(folder / "logs.tf") == LOGS
    once = text_of(folder / "main.tf")
    assert scan("--fix", "--fail-on", "critical") == 0
    assert text_of(folder / "main.tf") == once
    assert "0 findings mended in 0 files" in capfd.readouterr().out


def test_a_report_for_programs_stays_one(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    write({"main.tf": BUCKET, "logs.tf": LOGS})
    assert scan("--fix", "--format", "json") == 1
    out, err = capfd.readouterr()
    assert [one["policy"] for one in json.loads(out)["findings"]] == ["log-group-without-retention"]
    assert "fixed  main.tf:1" in err


def test_only_files_below_the_paths_are_mended(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    folder = write({"live/main.tf": 'module "d" { source = "../mod" }\n', "mod/main.tf": BUCKET})
    assert scan("--diff", "--verbose", "live") == 0
    assert "its file is not below the paths that were asked for" in capfd.readouterr().err
    assert scan("--fix", "live", "mod") == 0
    assert "lifecycle_configuration" in text_of(folder / "mod" / "main.tf")


def test_reasons_are_told_when_asked(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    write({"main.tf": BUCKET.replace("{\n", "{\n  count  = 2\n", 1)})
    assert scan("--diff") == 0
    assert "not fixed" not in capfd.readouterr().err
    assert scan("--diff", "--verbose") == 0
    assert "not fixed  main.tf:1  bucket-without-lifecycle: count or for_each makes" in capfd.readouterr().err


def test_a_file_that_changes_meanwhile_is_left_alone(
    write: Write, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write({"main.tf": BUCKET})
    from mlguard.cli import fixing  # noqa: PLC0415  (to change a file between reading and writing)

    real = fixing.mended

    def slow(*arguments: object) -> object:
        made = real(*arguments)  # type: ignore[arg-type]
        (folder / "main.tf").write_text(f"# changed\n{BUCKET}", encoding="utf-8")
        return made

    monkeypatch.setattr(fixing, "mended", slow)
    assert scan("--fix") == 2
    assert "not fixed  main.tf: the file has changed since it was read" in capfd.readouterr().out
    assert text_of(folder / "main.tf") == f"# changed\n{BUCKET}"


def test_a_broken_file_makes_the_run_untrusted(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    folder = write({"main.tf": BUCKET, "other/main.tf": "x {\n"})
    assert scan("--diff") == 2
    assert scan("--fix") == 2
    assert "lifecycle_configuration" in text_of(folder / "main.tf")
    capfd.readouterr()


def test_one_of_both_is_asked_for(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    write({"main.tf": BUCKET})
    assert scan("--diff", "--fix") == 2
    assert "give one of them" in capfd.readouterr().err
    write({"plan.json": "{}"})
    assert scan("--fix", "--plan", "plan.json") == 2
    assert "leave --plan out" in capfd.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_what_a_diff_shows_is_escaped(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    write({"a\x1b[31m\n::error::x/main.tf": BUCKET.replace("acme", "acme\u202e::error::\x1b[2J")})
    assert scan("--diff") == 1
    out, err = capfd.readouterr()
    for text in (out, err):
        assert not {"\x1b", "\u202e"} & set(text)
        assert not any(line.lstrip(" ").startswith("::") for line in text.splitlines())


def test_the_reports_say_what_can_be_mended(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    write({"main.tf": BUCKET, "logs.tf": LOGS})
    scan()
    text = " ".join(capfd.readouterr().out.split())
    assert "= fix: move objects to Intelligent-Tiering at once, and abort uploads that are not" in text
    assert "(mlguard scan --fix)" in text
    assert "(mlguard scan --fix --unsafe-fixes)" in text
    scan("--format", "json")
    automatic = [one["fix"]["automatic"] for one in json.loads(capfd.readouterr().out)["findings"]]
    assert [one["safety"] for one in automatic] == ["unsafe", "safe"]
    assert [one["refused"] for one in automatic] == [None, None]
    scan("--format", "sarif")
    results = json.loads(capfd.readouterr().out)["runs"][0]["results"]
    replacement = results[0]["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert replacement["deletedRegion"] == {"startLine": 2, "startColumn": 41, "endLine": 2, "endColumn": 41}
    assert replacement["insertedContent"] == {"text": "\n  retention_in_days = 30"}
