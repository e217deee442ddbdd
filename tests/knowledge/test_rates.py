"""A user's own rates, from the text of a CSV file to the figures of a report; and the commands around prices."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlguard.cli.main import main
from mlguard.errors import ConfigurationError
from mlguard.knowledge.rates import Rates, read_rates
from mlguard.source import Document

OWN = """item,region,usd_per_hour,discount_percent,note
ml.p4d.24xlarge,us-east-1,15.5,,private pricing 2026
ml.g5.*,,,30,
*,eu-west-1,,10,enterprise discount
"""


def rates(text: str) -> Rates:
    return read_rates(Document("rates.csv", text))


@pytest.mark.parametrize(
    ("kind", "region", "usd", "basis", "note"),
    [
        ("ml.p4d.24xlarge", "us-east-1", 15.5, "own", "private pricing 2026"),
        ("ml.p4d.24xlarge", "us-west-2", 25.2512, "derived", "1.15 times"),
        ("ml.g5.xlarge", "us-east-1", 0.98588, "own", "30 % off the derived price"),
        ("p4d.24xlarge", "eu-west-1", None, "own", "enterprise discount"),
        ("ml.g5.xlarge", "eu-west-1", 1.10054, "own", "30 % off the derived price"),
    ],
)
def test_the_first_row_that_fits_counts(kind: str, region: str, usd: float | None, basis: str, note: str) -> None:
    price = rates(OWN).hourly(kind, region)
    assert price is not None
    assert (price.kind, note in price.note) == (basis, True)
    assert usd is None or price.usd == pytest.approx(usd, abs=1e-4)


def test_a_type_without_a_list_price_may_have_an_own_one() -> None:
    text = "item,region,usd_per_hour\nml.new.xlarge,eu-north-1,2\n"
    price = rates(text).hourly("ml.new.xlarge", "eu-north-1")
    assert price is not None
    assert price.usd == 2
    assert rates(text).hourly("ml.new.xlarge", "us-east-1") is None
    assert rates("item,discount_percent\n*,20\n").hourly("ml.new.xlarge", "us-east-1") is None
    found = rates(text).hourly_range("ml.new.xlarge")
    assert found is not None
    assert [price.region for price in found] == ["eu-north-1", "eu-north-1"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, '"item" is missing'),
        ("item,price\na,1\n", 1, 'no column "price"'),
        ("item,usd_per_hour\n,1\n", 2, "needs an item"),
        ("item,usd_per_hour,discount_percent\na,1,2\n", 2, "either usd_per_hour or discount_percent"),
        ("item,usd_per_hour\na,1\nb,\n", 3, "either usd_per_hour or discount_percent"),
        ("item,usd_per_hour\na,cheap\n", 2, 'not "cheap"'),
        ("item,usd_per_hour\na,-1\n", 2, 'not "-1"'),
        ("item,usd_per_hour\na,inf\n", 2, 'not "inf"'),
        ("item,discount_percent\na,130\n", 2, "at most 100"),
        ("item,usd_per_hour\na,1,2\n", 2, "more fields"),
        ('item,usd_per_hour\nb,2\n"a,1\n', 2, "not a CSV file"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rates(text)
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == ("rates.csv", line)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.tf").write_text(
        'provider "aws" {\n  region = "us-east-1"\n}\n'
        'resource "aws_sagemaker_notebook_instance" "x" {\n  instance_type = "ml.p4d.24xlarge"\n}\n'
    )
    return tmp_path


def test_own_rates_are_imported_named_and_used(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "negotiated.csv").write_text(OWN, encoding="utf-8-sig")
    assert main(["prices", "import", "negotiated.csv"]) == 0
    assert "prices: .mlguard.prices.csv" in capsys.readouterr().out
    (here / ".mlguard.yaml").write_text("prices: .mlguard.prices.csv\n")
    main(["scan", "--no-progress", "--format", "json", "--select", "MLG302"])
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert "$15.50 an hour" in finding["message"]
    (part,) = finding["exposure"]["parts"]
    assert (part["low"], part["basis"], part["how"]) == (11315.0, "own", "ml.p4d.24xlarge, 730 h x $15.5 in us-east-1")
    assert main(["prices", "show", "ml.p4d.24xlarge"]) == 0
    assert "your own: private pricing 2026" in capsys.readouterr().out


def test_a_missing_or_wrong_file_of_rates_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / ".mlguard.yaml").write_text("prices: rates.csv\n")
    assert main(["scan", "--no-progress"]) == 2
    assert ".mlguard.yaml:1:1: prices: rates.csv: no such file" in capsys.readouterr().err
    (here / "rates.csv").write_text("item\n")
    (here / "wrong.csv").write_text("item,usd_per_hour\na,b\n")
    assert main(["prices", "import", "wrong.csv"]) == 2
    assert "wrong.csv:2:" in capsys.readouterr().err
    assert not (here / ".mlguard.prices.csv").exists()


def test_a_price_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prices", "show", "ml.g5.2xlarge", "--region", "eu-west-1", "--no-config"]) == 0
    shown = capsys.readouterr().out
    for part in (
        "$1.6912 an hour",
        "$1,234.58 a month",
        "1.25 times the EC2 price",
        "prices of 2025-11-04",
        "us-east-1",
    ):
        assert part in shown
    assert main(["prices", "show", "ml.p4d.24xlarge", "--no-config"]) == 0
    assert "prices of 2026-07-20" in capsys.readouterr().out
    for wrong, told in (("nope", "not an instance type"), ("p4d.24xlarge", "not a region")):
        assert main(["prices", "show", wrong, "--region", "mars-1", "--no-config"]) == 2
        assert told in capsys.readouterr().err
