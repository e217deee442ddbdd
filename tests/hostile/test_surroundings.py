"""What goes wrong around a scan: full disks, closed pipes, interrupts, odd terminals, files that change under it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

BUCKET = 'resource "aws_s3_bucket" "data" {\n  bucket = "training-data"\n}\n'
PLACE = "main.tf:1"
COMMAND = (sys.executable, "-P", "-m", "mlguard", "scan", "--no-progress")


def scan(folder: Path, *options: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    given = {**os.environ, **(env or {})}
    return subprocess.run([*COMMAND, *options], cwd=folder, capture_output=True, check=False, env=given)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "main.tf").write_text(BUCKET)
    return tmp_path


def test_a_full_disk_is_told(repository: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("only Linux has a device that is always full")
    with Path("/dev/full").open("ab", buffering=0) as full:
        done = subprocess.run([*COMMAND], cwd=repository, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert done.stderr.startswith(b"mlguard: cannot write to standard output: No space left on device")


def test_a_report_in_a_folder_that_is_not_there_is_refused(repository: Path) -> None:
    done = scan(repository, "--output", "missing/report.txt")
    assert done.returncode == 2
    assert b"cannot write missing/report.txt" in done.stderr


def test_the_old_report_stays_whole_until_the_new_one_is(repository: Path) -> None:
    (repository / "report.json").write_text("old")
    (repository / ".mlguard.yaml").write_text("no_such_setting: 1\n")
    assert scan(repository, "--format", "json", "--output", "report.json").returncode == 2
    assert (repository / "report.json").read_text() == "old"
    assert sorted(path.name for path in repository.iterdir()) == [".mlguard.yaml", "main.tf", "report.json"]


def test_a_reader_that_goes_away_is_no_fault(repository: Path) -> None:
    for number in range(400):
        (repository / f"b{number}.tf").write_text(BUCKET.replace('"data"', f'"data{number}"'))
    running = subprocess.Popen([*COMMAND], cwd=repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    errors = running.stderr.read()
    running.stderr.close()
    assert running.wait() == 2
    assert b"Traceback" not in errors
    assert b"Exception ignored" not in errors


def test_an_interrupt_ends_the_scan_and_leaves_nothing(repository: Path) -> None:
    for number in range(1_500):
        (repository / f"b{number}.tf").write_text(BUCKET.replace('"data"', f'"data{number}"'))
    running = subprocess.Popen(
        [*COMMAND, "--output", "report.txt"], cwd=repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    time.sleep(1.5)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate()
    if running.returncode != 1:  # it was not done before the interrupt came
        assert running.returncode in {2, -signal.SIGINT}
        assert b"Traceback" not in errors
        assert not [path.name for path in repository.iterdir() if path.suffix != ".tf"]


def test_a_scan_needs_no_locale(repository: Path) -> None:
    (repository / "größe.tf").write_text(
        BUCKET.replace('"data"', '"other"').replace("training-data", "größe-training"), encoding="utf-8"
    )
    done = scan(repository, env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 1
    assert PLACE.encode() in done.stdout
    assert b"Traceback" not in done.stderr


def test_a_scan_writes_nothing_beside_what_it_reads(repository: Path) -> None:
    before = sorted(path.name for path in repository.rglob("*"))
    repository.chmod(0o555)
    try:
        assert scan(repository).returncode == 1
    finally:
        repository.chmod(0o755)
    assert sorted(path.name for path in repository.rglob("*")) == before


def test_two_scans_at_once_give_the_same(repository: Path) -> None:
    runs = [subprocess.Popen([*COMMAND], cwd=repository, stdout=subprocess.PIPE) for _ in range(3)]
    outputs = {run.communicate()[0] for run in runs}
    assert len(outputs) == 1


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_every_line_ending_is_read(tmp_path: Path, ending: str) -> None:
    (tmp_path / "main.tf").write_bytes(("# first\n" + BUCKET).replace("\n", ending).encode())
    template = "Resources:\n  Data:\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketName: training-data\n"
    (tmp_path / "t.yaml").write_bytes(template.replace("\n", ending).encode())
    done = scan(tmp_path)
    assert b"t.yaml:2" in done.stdout
    assert b"main.tf:2" in done.stdout


def test_no_order_and_no_seed_changes_a_report(tmp_path: Path) -> None:
    for name in ("zeta", "alpha", "Mid"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.tf").write_text(BUCKET)
    outputs = {
        scan(tmp_path, "--format", "json", *paths, env={"PYTHONHASHSEED": seed}).stdout
        for seed in ("0", "1", "77")
        for paths in (("zeta", "alpha", "Mid"), ("Mid", "zeta", "alpha"))
    }
    assert len(outputs) == 1
