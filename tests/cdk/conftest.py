"""Synthesize the apps in `fixtures/cdk/apps` with aws-cdk-lib of PyPI, which carries the npm package that it wraps."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

APPS = Path(__file__).parents[2] / "fixtures" / "cdk" / "apps"
_AS_THE_COMMAND_LINE = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}
_PATIENCE = 300
Synthesize = Callable[..., subprocess.CompletedProcess[str]]


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None or shutil.which("node") is None:
        pytest.fail("the tests of CDK apps need Node.js 20 or later, and aws-cdk-lib: pip install --group test")
    return Path(spec.origin).parent


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the npm packages that the packages of PyPI carry."""
    folder = tmp_path_factory.mktemp("npm") / "node_modules"
    cdk = _package("aws_cdk")
    for carrier in (cdk, cdk / "cloud_assembly_schema", _package("constructs")):
        (archive,) = (carrier / "_jsii").glob("*.tgz")
        with tarfile.open(archive) as packed:
            packed.extractall(folder / "unpacked", filter="data")
        package = folder / "unpacked" / "package"
        name = json.loads((package / "package.json").read_text(encoding="utf-8"))["name"]
        (folder / name).parent.mkdir(exist_ok=True)
        package.rename(folder / name)
    return folder


@pytest.fixture
def app_of(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that copies an app without its assembly; it gives the app's folder."""

    def copied(name: str, among: Path = APPS) -> Path:
        folder = tmp_path / name
        shutil.copytree(among / name, folder, ignore=shutil.ignore_patterns("cdk.out", "__pycache__"))
        return folder

    return copied


@pytest.fixture
def synthesize() -> Synthesize:
    """Give a function that runs the app in a folder, as the CDK's command line would or as it runs by itself."""

    def run(folder: Path, *, by_itself: bool = False, **settings: str) -> subprocess.CompletedProcess[str]:
        _package("aws_cdk")
        command = ["node", "app.js"] if (folder / "app.js").is_file() else [sys.executable, "app.py"]
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "CDK_", "JSII_"))},
            "CDK_OUTDIR": "cdk.out",
            "CDK_VALIDATION": "false",  # the CDK's own checks are not what is tested
            "CDK_CONTEXT_JSON": "{}" if by_itself else json.dumps(_AS_THE_COMMAND_LINE),
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
            "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
            **settings,
        }
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=_PATIENCE, check=False
        )

    return run
