"""`mlguard scp generate`: documents, their page and manifest, and code that creates them and attaches nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import hcl2
import pytest

from mlguard.cli import main
from mlguard.configuration import parse_configuration
from mlguard.errors import GuardrailError
from mlguard.guardrail.document import Options, generate
from mlguard.guardrail.wrappers import TARGET, WRAPPERS, cloudformation, script, terraform
from mlguard.policy.load import bundled_policies
from mlguard.policy.model import Guardrail, Policy, Statement
from mlguard.policy.parameters import bundled_parameters
from mlguard.record import replace
from mlguard.scp.breadth import cleaning_actions
from mlguard.scp.decide import Request, decide
from mlguard.scp.written import read
from mlguard.source import Document

Capture = pytest.CaptureFixture[str]
ENVIRONMENTS = list(bundled_parameters().environments)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_EVENT_NAME", raising=False)
    return tmp_path


def made(folder: Path, capsys: Capture, *arguments: str) -> dict[str, str]:
    """Generate into a folder, and give the text of each file by its name below it."""
    assert main(["scp", "generate", "--out", str(folder / "out"), *arguments]) == 0
    printed = capsys.readouterr().out
    files = {
        path.relative_to(folder / "out").as_posix(): path for path in (folder / "out").rglob("*") if path.is_file()
    }
    assert {line.split(": ")[0] for line in printed.splitlines()} <= {str(path) for path in files.values()}
    return {name: path.read_text(encoding="utf-8") for name, path in files.items()}


def lint(path: Path) -> str:
    command = [str(Path(sys.executable).with_name("cfn-lint")), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    return done.stdout + done.stderr


def test_cfn_lint_accepts_the_templates(repository: Path, capsys: Capture) -> None:
    made(repository, capsys, "--environment", "sandbox", "--format", "cloudformation", "--companions")
    for name in ("guardrails.template.json", "budget.template.json"):
        assert lint(repository / "out" / "sandbox" / name) == ""


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_code_holds_the_documents_and_attaches_nothing(environment: str, tmp_path: Path) -> None:
    guardrails = generate(bundled_policies(), bundled_parameters(), environment)
    contents = [document.content for document in guardrails.documents]
    template = json.loads(cloudformation(guardrails))
    assert [one["Properties"]["Content"] for one in template["Resources"].values()] == contents
    assert template["Parameters"]["TargetIds"]["Default"] == ""
    targets = {"ou-abcd-11111111": True, "123456789012": True, "r-abcd": False, "p-FullAWSAccess": False}
    assert {target: bool(re.search(TARGET, target)) for target in targets} == targets
    written = terraform(guardrails)
    assert hcl2.loads(written)["variable"]
    assert "default     = []" in written
    path = tmp_path / "create.sh"
    path.write_text(script(guardrails), encoding="ascii")
    subprocess.run(["sh", "-n", str(path)], check=True, timeout=60)
    live = [line for line in path.read_text(encoding="ascii").splitlines() if "attach-policy" in line]
    assert live
    assert all(line.startswith("#") for line in live)


def test_the_code_passes_the_own_checks(repository: Path, capsys: Capture) -> None:
    for form in ("terraform", "cloudformation"):
        made(repository, capsys, "--environment", "sandbox", "--format", form)
    folder = repository / "out" / "sandbox"
    files = [str(folder / WRAPPERS[form][0]) for form in ("terraform", "cloudformation")]
    assert main(["scp", "check", *files]) == 0, capsys.readouterr().out
    documents = len(list(folder.glob("mlguard-sandbox-*.json")))
    assert capsys.readouterr().out == f"{2 * documents} SCPs: 0 errors, 0 warnings; all are safe\n"


def test_the_companions_are_named_and_sound(repository: Path, capsys: Capture) -> None:
    files = made(repository, capsys, "--environment", "sandbox", "--companions")
    manifest = json.loads(files["sandbox/manifest.json"])
    named = {one["file"] for one in manifest["companions"]}
    assert named == {"tag-policy.json", "budget.tf", "budget.template.json"}
    assert all(name in files["sandbox/README.md"] for name in named)
    tags = json.loads(files["sandbox/tag-policy.json"])["tags"]
    assert set(tags) == {"CostCenter", "Owner", "Environment"}
    assert all(tag["report_required_tag_for"]["@@assign"] for tag in tags.values())
    assert tags["Environment"]["tag_value"]["@@assign"] == sorted(ENVIRONMENTS)
    budget: Any = hcl2.loads(files["sandbox/budget.tf"])
    assert "APPLY_SCP_POLICY" in json.dumps(budget)
    assert "production/budget.tf" not in made(repository, capsys, "--environment", "production", "--companions")


def test_the_page_tells_what_will_happen(repository: Path, capsys: Capture) -> None:
    files = made(repository, capsys, "--environment", "sandbox")
    page = files["sandbox/README.md"]
    for heading in ("Roll-out and rollback", "Who is exempt", "Who is never bound", "Requests that will be denied",
                    "Requests that will pass", "Statements", "What no SCP of these stops"):  # fmt: skip
        assert f"## {heading}\n" in page
    denied = page.split("## Requests that will be denied\n")[1].split("##")[0].strip().splitlines()
    passing = page.split("## Requests that will pass\n")[1].split("##")[0].strip().splitlines()
    assert (len(denied), len(passing)) == (5, 5)
    assert "detach-policy" in page
    manifest = json.loads(files["sandbox/manifest.json"])
    documents = [json.loads(text) for name, text in files.items() if name.startswith("sandbox/mlguard-sandbox-")]
    sids = [one["Sid"] for document in documents for one in document["Statement"]]
    assert sorted(manifest["statements"]) == sorted(sids)
    for entry in manifest["statements"].values():
        assert entry["enforce"] in ("preventive", "protective")
        assert isinstance(entry["side_effects"], list)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_that_cleans_up_is_ever_denied(environment: str) -> None:
    guardrails = generate(bundled_policies(), bundled_parameters(), environment)
    statements = [one for document in guardrails.documents for one in read(document.text).statements]
    for action in ("sagemaker:DeleteEndpoint", "sagemaker:StopNotebookInstance", "sagemaker:DescribeDomain",
                   "ec2:TerminateInstances", "ec2:DescribeInstances", "sagemaker:DeleteTags", "s3:DeleteBucket",
                   "iam:PassRole", "sts:AssumeRole", "cloudformation:UpdateStack"):  # fmt: skip
        assert decide(Request(action), statements).outcome == "allowed", action
    denied = {
        action for document in guardrails.documents for one in document.content["Statement"] for action in one["Action"]
    }
    assert not [action for action in denied if cleaning_actions(action)]
    assert not [action for action in denied if "*" in action]


def one_policy(*actions: str, condition: dict[str, Any] | None = None) -> Policy:
    first = bundled_policies()[0]
    statement = Statement("Own", actions, ("*",), condition or {}, {})
    return replace(first, id="own", guardrail=Guardrail("preventive", "x", (statement,)))


@pytest.mark.parametrize(
    "policy",
    [
        one_policy("sagemaker:StopTrainingJob", condition={"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}),
        one_policy("sagemaker:Create*"),
        one_policy("bedrock:*", condition={"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}),
        one_policy("bedrock:InvokeModel", condition={"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}),
        one_policy("sagemaker:CreateApp", condition={"StringNotEquals": {"aws:RequestedRegion": "eu-wset-1"}}),
    ],
)
def test_a_generator_may_not_what_a_person_may(policy: Policy) -> None:
    with pytest.raises(GuardrailError, match="not be safe"):
        generate([policy], bundled_parameters(), "sandbox")


@pytest.mark.parametrize(
    ("written", "refused"),
    [
        ("{notebook: [ml.t3.medium, ml.m5.*]}", False),
        ("{notebook: ['*']}", False),
        ("{notebook: [ml.*]}", True),
        ("{notebook: [ml.m*]}", True),
        ("{notebook: ['ml.?5.large']}", True),
        ("{notebook: ['${aws:PrincipalTag/x}']}", True),
    ],
)
def test_values_that_would_widen_are_refused(written: str, refused: bool) -> None:  # noqa: FBT001
    text = f"environments:\n  sandbox:\n    parameters:\n      allowed_instance_types: {written}\n"
    policies = [policy for policy in bundled_policies() if policy.id == "premium-region"]
    parameters = parse_configuration(Document(".mlguard.yaml", text)).parameters
    if refused:
        with pytest.raises(GuardrailError, match="allowed_instance_types"):
            generate(policies, parameters, "sandbox")
    else:
        assert generate(policies, parameters, "sandbox").documents


@pytest.mark.parametrize("pattern", ["arn:aws:iam::*:role/*-admin", "arn:aws:iam::*:role/mlguard-?"])
def test_break_glass_roles_that_anybody_could_create_are_refused(pattern: str) -> None:
    with pytest.raises(GuardrailError, match="every role of such a name"):
        generate(bundled_policies(), bundled_parameters(), "sandbox", Options(exempt=(pattern,)))


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_other_partitions(partition: str, capsys: Capture, repository: Path) -> None:
    assert repository.is_dir()
    assert main(["scp", "generate", "--environment", "sandbox", "--partition", partition, "--no-config"]) == 0
    text = capsys.readouterr().out
    assert f"arn:{partition}:iam::*:role/mlguard-break-glass" in text
    assert "arn:aws:" not in text


@pytest.mark.parametrize(("limit", "slots", "code"), [(10_240, 9, 0), (5_120, 4, 0), (2_000, 4, 2)])
def test_limits_of_the_organization(limit: int, slots: int, code: int, repository: Path, capsys: Capture) -> None:
    arguments = ["scp", "generate", "--environment", "sandbox", "--max-chars", str(limit), "--slots", str(slots)]
    assert main([*arguments, "--out", str(repository / "out")]) == code, capsys.readouterr().err
    documents = list((repository / "out").rglob("mlguard-*.json"))
    assert all(len(path.read_text(encoding="ascii")) <= limit for path in documents)
    assert len(documents) <= slots


def test_only_what_the_findings_call_for(repository: Path, capsys: Capture) -> None:
    code = 'resource "aws_sagemaker_notebook_instance" "nb" {\n  instance_type = "ml.p3.2xlarge"\n}\n'
    (repository / "main.tf").write_text(code, encoding="utf-8")
    (repository / "spot.tf").write_text(
        'resource "aws_sagemaker_training_job" "t" {\n  resource_config {\n    instance_type = "ml.m5.24xlarge"\n'
        "    instance_count = 1\n  }\n}\n",
        encoding="utf-8",
    )
    main(["scan", "--format", "json", "--output", "report.json", "--no-progress"])
    found = {one["policy"] for one in json.loads(Path("report.json").read_text(encoding="utf-8"))["findings"]}
    assert "training-without-spot" in found
    assert main(["scp", "generate", "--environment", "sandbox", "--from-findings", "report.json"]) == 0
    printed = capsys.readouterr()
    sids = {one["Sid"] for one in json.loads(printed.out)["Statement"]}
    assert "DenyNotebookTypesNotAllowed" in sids
    assert "ProtectBudgets" not in sids or "ml-project-without-budget" in found
    assert "no SCP can stop training-without-spot: " in printed.err
    Path("report.json").write_text("[]", encoding="utf-8")
    assert main(["scp", "generate", "--from-findings", "report.json"]) == 2


def test_a_pull_request_does_not_choose_the_guardrails(
    repository: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert repository.is_dir()
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    assert main(["scp", "generate", "--environment", "sandbox"]) == 2
    assert "a pull request may have written the configuration" in capsys.readouterr().err
    assert main(["scp", "generate", "--environment", "sandbox", "--no-config"]) == 0


def test_the_output_is_the_same_every_time(repository: Path, capsys: Capture) -> None:
    first = made(repository, capsys, "--environment", "all", "--format", "terraform", "--companions")
    assert made(repository, capsys, "--environment", "all", "--format", "terraform", "--companions") == first
