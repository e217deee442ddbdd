"""For authors of policies: the skeleton of one, and the running of its examples."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlguard.configuration import Configuration
from mlguard.errors import MlguardError, UsageError
from mlguard.explain import with_examples
from mlguard.finding import Report
from mlguard.policy.load import bundled_policies, load_folder, read_policy
from mlguard.policy.model import Example, Policy
from mlguard.record import replace
from mlguard.repair.rounds import Mended, mend
from mlguard.scan import Options, scan
from mlguard.scan.selection import choose
from mlguard.source import Overlay, Root

_NAME = re.compile(r"(?P<pack>[a-z0-9-]+)/(?P<id>[a-z][a-z0-9]*(?:-[a-z0-9]+)*)\Z")
_SKELETON = """\
id: {id} # the mistake, never the cure
title: What is wrong, in one line
severity: medium # info | low | medium | high | critical
since: "{version}"
pack: {pack}
applies_to: s3.bucket # a kind of the vocabulary, a list of kinds, or project
require:
  lifecycle_rules: {{exists: true}} # what must hold
message: "{{resource}} has no lifecycle rule"
why: |
  What it costs, with a figure and where the figure comes from.
fix_by_hand:
  cloudformation: |
    What to write instead.
  terraform: |
    What to write instead.
  cdk: |
    What to write instead.
scp:
  enforce: none # preventive | protective | none
  limits: Why an organization policy can do nothing, or what it cannot do.
examples:
  - expect: fail
    at: 1
    terraform: |
      resource "aws_s3_bucket" "data" {{
        bucket = "training-data"
      }}
  - expect: pass
    cloudformation: |
      Resources:
        Data:
          Type: AWS::S3::Bucket
          Properties:
            LifecycleConfiguration:
              Rules: [{{Status: Enabled, ExpirationInDays: 30}}]
"""


def write_skeleton(name: str, folder: Path) -> Path:
    """Write the skeleton of a policy and give its path; UsageError where that cannot be done."""
    from mlguard import __version__  # noqa: PLC0415  (the package's own name)

    match = _NAME.match(name)
    if match is None:
        raise UsageError(f'"{name}" is not PACK/ID: words of a-z and 0-9 joined by -')
    path = folder / match["pack"] / f"{match['id']}.yaml"
    if path.exists():
        raise UsageError(f"{path} is there already")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_SKELETON.format(id=match["id"], pack=match["pack"], version=__version__), encoding="utf-8")
    return path


def test_policies(names: Sequence[str], folders: Sequence[str]) -> tuple[str, int]:
    """Run the examples of policies; give what to print and how many failed."""
    lines: list[str] = []
    failed = run = 0
    for policy in _named(names, folders):
        faults = [(example, fault) for example in policy.examples for fault in example_faults(policy, example)]
        run += len(policy.examples)
        failed += len({id(example) for example, _ in faults})
        lines.append(f"{'FAILED' if faults else 'ok':6}  {policy.id}  {len(policy.examples)} examples")
        lines += [f"        {policy.path}:{example.line}: {fault}" for example, fault in faults]
    return "\n".join([*lines, f"{run - failed} examples passed, {failed} failed"]) + "\n", failed


def _named(names: Sequence[str], folders: Sequence[str]) -> Iterable[Policy]:
    own = [policy for folder in folders for policy in load_folder(Root(Path(folder).absolute()), "", folder)]
    files = [name for name in names if Path(name).is_file()]
    yield from (read_policy(Path(name), name, built_in=False) for name in files)
    wanted = [name.rpartition("/")[2].removesuffix(".yaml") for name in names if name not in files]
    if wanted or not names:
        yield from (with_examples(policy) for policy in choose([*bundled_policies(), *own], wanted, []))


def example_faults(policy: Policy, example: Example) -> list[str]:
    """Run one example; give what is not as it says, in words; empty when all is."""
    try:
        report = run_example(policy, example)
    except MlguardError as error:
        return [str(error)]
    if report.problems:
        return [f"the example cannot be read: {report.problems[0]}"]
    found = "fail" if report.findings else "unknown" if report.undecided else "pass"
    if found != example.expect:
        seen = report.findings[0].message if report.findings else next((one.because for one in report.undecided), "")
        return [f"expected {example.expect}, got {found}{f': {seen}' if seen else ''}"]
    faults = []
    lines = sorted({finding.at.line for finding in report.findings})
    if example.at and lines[:1] != [example.at]:
        faults.append(f"expected a finding at line {example.at}, got {', '.join(map(str, lines))}")
    faults += fix_faults(policy, example)
    if example.message and not any(example.message in finding.message for finding in report.findings):
        faults.append(f'expected a message with "{example.message}", got "{report.findings[0].message}"')
    return faults


def run_example(policy: Policy, example: Example) -> Report:
    """Scan the code of an example with its policy alone."""
    with _example_folder(policy, example, Configuration()) as options:
        return scan(options)


def fix_faults(policy: Policy, example: Example) -> list[str]:
    """Try the policy's fix on an example that fails; say where it does not mend what it is written for."""
    if example.expect != "fail" or not policy.fixes:
        return []
    _, made = mended_example(policy, example)
    return [f"its fix does not mend the example: {why}" for _, why in made.refused]


def mended_example(
    policy: Policy, example: Example, configuration: Configuration | None = None
) -> tuple[Report, Mended]:
    """Give the report of an example and what the policy's fixes, the unsafe ones too, make of it."""
    with _example_folder(policy, example, configuration or Configuration()) as options:
        folder = options.root.folder
        report = scan(options)
        made = mend(report, lambda texts: scan(replace(options, root=Overlay(folder, texts))), lambda _: True)
        return report, made


@contextmanager
def _example_folder(policy: Policy, example: Example, configuration: Configuration) -> Iterator[Options]:
    """Write the code of an example into a folder of its own, and say how it is scanned."""
    name = "main.tf" if example.language == "terraform" else "template.yaml"
    with tempfile.TemporaryDirectory() as folder:
        for path, text in {name: example.code, **(example.files or {})}.items():
            target = Path(folder) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        yield Options(
            root=Root(Path(folder)),
            policies=(policy,),
            configuration=configuration,
            environment=example.environment,
            region=example.region,
        )
