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
from mlguard.scp.reading import read
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
    lookup = bundled_parameters()
    assert list(tags) == lookup.value("required_cost_tags", {})
    assert all(tag["report_required_tag_for"]["@@assign"] for tag in tags.values())
    assert tags["Environment"]["tag_value"]["@@assign"] == sorted(lookup.value("environment_tag_values", {}))
    budget: Any = hcl2.loads(files["sandbox/budget.tf"])
    assert "APPLY_SCP_POLICY" in json.dumps(budget)
    documents = [name.partition("/")[2][:-5] for name in files if re.search(r"/mlguard-.*\.json", name)]
    assert len(documents) > 1
    assert json.dumps(sorted(documents)) in files["sandbox/budget.tf"]
    resources = json.loads(files["sandbox/budget.template.json"])["Resources"]
    assert [one["Type"] for one in resources.values()] == [
        "AWS::Budgets::Budget", *["AWS::Budgets::BudgetsAction"] * len(documents)
    ]  # fmt: skip
    assert "production/budget.tf" not in made(repository, capsys, "--environment", "production", "--companions")
    own = "parameters: {required_cost_tags: [Squad]}\n"
    (repository / ".mlguard.yaml").write_text(own, encoding="utf-8")
    files = made(repository, capsys, "--environment", "sandbox", "--companions")
    assert list(json.loads(files["sandbox/tag-policy.json"])["tags"]) == ["Squad"]


def test_the_page_tells_what_will_happen(repository: Path, capsys: Capture) -> None:
    files = made(repository, capsys, "--environment", "sandbox")
    page = files["sandbox/README.md"]
    for heading in ("Roll-out and rollback", "Who is exempt", "Who is never bound", "Requests that will be denied",
                    "Requests that will pass", "Statements", "What is left open", "What no SCP can stop"):  # fmt: skip
        assert f"## {heading}\n" in page
    denied = page.split("## Requests that will be denied\n")[1].split("##")[0].strip().splitlines()
    passing = page.split("## Requests that will pass\n")[1].split("##")[0].strip().splitlines()
    assert (len(denied), len(passing)) == (5, 5)
    assert "mlguard-other" not in "".join(denied + passing), "nobody asks for such a value"
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


@pytest.mark.parametrize(("partition", "region"), [("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")])
def test_other_partitions(partition: str, region: str, capsys: Capture, repository: Path) -> None:
    arguments = ["scp", "generate", "--environment", "sandbox", "--partition", partition]
    assert main(arguments) == 2
    assert f"none of which is a region of {partition}: it would deny everything there; set allowed_regions" in (
        capsys.readouterr().err
    )
    own = f"parameters: {{allowed_regions: [{region}]}}\n"
    (repository / ".mlguard.yaml").write_text(own, encoding="utf-8")
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert f"arn:{partition}:iam::*:role/mlguard-break-glass" in text
    assert "arn:aws:" not in text


def test_side_effects_are_those_of_the_statement() -> None:
    made = generate(bundled_policies(), bundled_parameters(), "sandbox").manifest
    effects = {sid: " ".join(entry["side_effects"]) for sid, entry in made.items()}
    assert "requests without aws:RequestTag/Team are denied" in effects["RequireCostTagTeam"]
    assert "requests without" not in effects["RequireEnvironmentTagValue"]
    assert "torn down by the exempt roles alone" in effects["ProtectEndpointScaling"]
    assert "root volume" in effects["DenyLegacyVolumeTypes"]


def test_the_head_of_the_code_says_what_the_page_says(repository: Path, capsys: Capture) -> None:
    page = made(repository, capsys, "--environment", "sandbox")["sandbox/README.md"]
    wanted = re.findall(r"^- `?((?:\w|-)+:\w.*?)`?$", page.split("## Statements")[0], re.MULTILINE)
    assert len(wanted) >= 10
    for form in ("terraform", "cli"):
        text = made(repository, capsys, "--environment", "sandbox", "--format", form)[f"sandbox/{WRAPPERS[form][0]}"]
        head = text.split("resource ")[0] if form == "terraform" else text.split("content=")[0]
        assert all(one in head for one in wanted)
        assert "detach-policy" in head
    files = made(repository, capsys, "--environment", "sandbox", "--format", "cloudformation")
    metadata = json.loads(files["sandbox/guardrails.template.json"])["Metadata"]["mlguard"]
    assert (len(metadata["Requests that will be denied"]), len(metadata["Requests that will pass"])) == (5, 5)
    assert "arn:aws:iam::*:role/mlguard-break-glass" in metadata["Who is exempt"]


def test_what_an_earlier_run_left_is_told(repository: Path, capsys: Capture) -> None:
    arguments = ["scp", "generate", "--environment", "sandbox", "--out", str(repository / "out")]
    assert main([*arguments, "--max-chars", "5120"]) == 0
    capsys.readouterr()
    assert main(arguments) == 0
    assert "mlguard-sandbox-4.json: left from an earlier run" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--select", "job-without-runtime-limit"], 0, ""),
        (["--select", "instance-type-not-allowed"], 1, "sandbox: DenyEc2TypesNotAllowed does not bind launches by"),
        (["--select", "premium-accelerator-in-nonproduction", "--environment", "production"], 1,
         "production: premium-accelerator-in-nonproduction: DenyEc2PremiumAccelerators would deny nothing"),
    ],
)  # fmt: skip
def test_strict_coverage_refuses_what_leaves_something_open(
    arguments: list[str], code: int, said: str, repository: Path, capsys: Capture
) -> None:
    asked = ["scp", "generate", "--environment", "sandbox", "--out", "out", *arguments]
    assert main([*asked, "--strict-coverage"]) == code
    printed = capsys.readouterr()
    assert (said in printed.err, bool(printed.out)) == (True, code == 0)
    assert (repository / "out").exists() is (code == 0)
    assert main(asked) == 0


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
    batch = (
        'resource "aws_batch_compute_environment" "b" {\n  type = "MANAGED"\n  compute_resources {\n'
        '    type          = "EC2"\n    max_vcpus     = 8\n    instance_type = ["p3.2xlarge"]\n  }\n}\n'
    )
    (repository / "batch.tf").write_text(batch, encoding="utf-8")
    main(["scan", "--format", "json", "--output", "report.json", "--no-progress"])
    found = {one["policy"] for one in json.loads(Path("report.json").read_text(encoding="utf-8"))["findings"]}
    assert "training-without-spot" in found
    arguments = ["scp", "generate", "--from-findings", "report.json"]
    assert main([*arguments, "--environment", "sandbox"]) == 0
    printed = capsys.readouterr()
    sids = {one["Sid"] for one in json.loads(printed.out)["Statement"]}
    assert "DenyNotebookTypesNotAllowed" in sids
    assert "ProtectBudgets" not in sids or "ml-project-without-budget" in found
    assert "2 findings of training-without-spot: no SCP can stop it: No condition key" in printed.err
    assert "of outdated-accelerator: no statement is about such a resource: Launches by service-linked" in printed.err
    assert re.search(r"  batch.tf:\d aws_batch_compute_environment.b\n", printed.err)
    assert "  spot.tf:1 aws_sagemaker_training_job.t\n" in printed.err
    assert "of ml-project-without-budget: an SCP only keeps the cure from being removed: " in printed.err
    files = made(repository, capsys, "--from-findings", "report.json", "--environment", "all")
    assert sorted(name for name in files if "mlguard-" in name) == ["sandbox/mlguard-sandbox-1.json"]
    manifest = json.loads(files["sandbox/manifest.json"])
    (spot,) = [one for one in manifest["findings_not_stopped"] if one["policy"] == "training-without-spot"]
    assert "spot.tf:1 aws_sagemaker_training_job.t" in spot["findings"]
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


@pytest.mark.parametrize("form", ["json", *WRAPPERS])
def test_a_generated_folder_is_safe_and_equal_to_itself(form: str, repository: Path, capsys: Capture) -> None:
    made(repository, capsys, "--environment", "all", "--format", form, "--companions")
    assert main(["scp", "check", "out"]) == 0
    assert "0 errors, 0 warnings; all are safe" in capsys.readouterr().out
    assert main(["scp", "diff", "out/training", "out/training"]) == 0
    assert capsys.readouterr().out == "not weaker: 0 requests were tried where the two differ\n"


def test_the_output_is_the_same_every_time(repository: Path, capsys: Capture) -> None:
    first = made(repository, capsys, "--environment", "all", "--format", "terraform", "--companions")
    assert made(repository, capsys, "--environment", "all", "--format", "terraform", "--companions") == first
