"""One finding for each distinct verdict and place: instances and calls are named in it, and suppressed one by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlguard.finding import Report

Scan = Callable[..., Report]
NOTEBOOK = 'resource "aws_sagemaker_notebook_instance" "nb" {\n  instance_type = var.size\n}\n'
MODULE = 'variable "size" {}\n' + NOTEBOOK
DEAR, CHEAP = '"ml.p4d.24xlarge"', '"ml.t3.medium"'


def call(name: str, size: str, before: str = "", source: str = "./m", after: str = "") -> str:
    return f'{before}module "{name}" {{\n  source = "{source}"\n  size = {size}{after}\n}}\n'


IGNORE = "# mlguard: ignore[cheap] it is paid for\n"


def test_two_calls_of_one_module_are_one_finding(scanned: Scan) -> None:
    report = scanned({"main.tf": call("a", DEAR) + call("b", DEAR) + call("c", CHEAP), "m/main.tf": MODULE})
    (finding,) = report.findings
    assert finding.resource == "module.a.aws_sagemaker_notebook_instance.nb"
    assert finding.also == ("module.b.aws_sagemaker_notebook_instance.nb",)
    assert (finding.at.path, finding.at.line) == ("m/main.tf", 3)
    assert [(one.what, one.span.line) for one in finding.related] == [
        ('argument "size" of module "a"', 3),
        ("called here", 1),
        ('argument "size" of module "b"', 7),
        ("called here", 5),
    ]
    assert report.counts.checks == 3


def test_two_roots_that_call_one_module_are_one_finding(scanned: Scan) -> None:
    files = {f"{name}/main.tf": call("m", DEAR, source="../m") for name in ("one", "two")}
    (finding,) = scanned({**files, "m/main.tf": MODULE}).findings
    assert [one.span.path for one in finding.related if one.what == "called here"] == ["one/main.tf", "two/main.tf"]
    assert finding.also == ()


def test_different_values_are_different_findings(scanned: Scan) -> None:
    files = {"main.tf": call("a", DEAR) + call("b", '"ml.p3.2xlarge"'), "m/main.tf": MODULE}
    assert len(scanned(files).findings) == 2


def test_instances_of_one_block_are_one_finding(scanned: Scan) -> None:
    text = NOTEBOOK.replace("{\n", '{\n  for_each = toset(["a", "b", "c"])\n', 1).replace("var.size", DEAR)
    (finding,) = scanned({"main.tf": text}).findings
    assert [finding.resource, *finding.also] == [f'aws_sagemaker_notebook_instance.nb["{key}"]' for key in "abc"]


@pytest.mark.parametrize(
    ("text", "counted", "suppressed"),
    [
        (call("a", DEAR, IGNORE) + call("b", DEAR), ["module.b"], ["module.a"]),
        (call("a", DEAR, IGNORE) + call("b", DEAR, IGNORE), [], ["module.a", "module.b"]),
        (call("a", DEAR, after=" # mlguard: ignore[cheap] paid") + call("b", DEAR), ["module.b"], ["module.a"]),
        (IGNORE + "locals {}\n" + call("a", DEAR), ["module.a"], []),
    ],
)
def test_an_ignore_at_a_call_covers_that_call_only(
    scanned: Scan, text: str, counted: list[str], suppressed: list[str]
) -> None:
    own = NOTEBOOK.replace("var.size", DEAR).replace('"nb"', '"own"')
    report = scanned({"main.tf": text + own, "m/main.tf": MODULE})

    def modules(*, hidden: bool) -> list[str]:
        chosen = [one for one in report.findings if (one.suppressed is not None) is hidden]
        addresses = [address for one in chosen for address in (one.resource, *one.also)]
        return [address.partition(".aws_")[0] for address in addresses if address.startswith("module.")]

    assert (modules(hidden=False), modules(hidden=True)) == (counted, suppressed)
    assert any(one.resource.endswith(".own") for one in report.counted())


def test_an_ignore_at_a_call_covers_the_modules_below(scanned: Scan) -> None:
    files = {
        "main.tf": call("a", DEAR, IGNORE),
        "m/main.tf": 'variable "size" {}\n' + call("inner", "var.size", source="../n"),
        "n/main.tf": MODULE,
    }
    (finding,) = scanned(files).findings
    assert finding.suppressed is not None
    assert finding.suppressed.at.path == "main.tf"


@pytest.mark.parametrize(
    "text",
    [
        IGNORE + NOTEBOOK,
        NOTEBOOK.replace("var.size", "var.size # mlguard: ignore[cheap] ok"),
        NOTEBOOK.replace("  instance", "  " + IGNORE + "  instance"),
    ],
)
def test_an_ignore_in_the_module_covers_every_call(scanned: Scan, text: str) -> None:
    files = {"main.tf": call("a", DEAR) + call("b", DEAR), "m/main.tf": 'variable "size" {}\n' + text}
    assert [one.suppressed is not None for one in scanned(files).findings] == [True]
