"""The HTML report as text: escaped, self-contained, and held together by its own policy."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files

from mlguard.errors import ParseError
from mlguard.finding import Finding, Part, Repair, Report
from mlguard.policy.model import Policy
from mlguard.render.escape import visible
from mlguard.render.html_report import render
from mlguard.source import Span

VOID = {"meta", "rect", "path", "input", "wbr"}


# Code between backticks, paragraphs and lines of source are as many as the text has of them.
VARYING = {"code", "p", "pre", "span", "i", "wbr", "mark", "a"}


class Page(HTMLParser):
    """Reads a page strictly: every element is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.inside: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: D102  (of HTMLParser)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: D102  (of HTMLParser)
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:  # noqa: D102  (of HTMLParser)
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:  # noqa: D102  (of HTMLParser)
        if self.open and self.open[-1] in ("style", "script"):
            self.inside[self.open[-1]] = data
        elif data.strip():
            self.texts.append(data.strip())

    def all(self, tag: str, kind: str = "") -> list[dict[str, str | None]]:
        """Give the attributes of every element of a tag, and of a class where one is given."""
        named = [attrs for name, attrs in self.tags if name == tag]
        return [attrs for attrs in named if not kind or kind in (attrs.get("class") or "").split(" ")]

    def structure(self) -> list[str]:
        """Give the tags that a page has whatever its texts are."""
        return [tag for tag, _ in self.tags if tag not in VARYING]


def test_one_of_everything(full_report: Report) -> None:
    page = Page(render(full_report))
    said = "\n".join(page.texts)
    assert "3 findings put $18,433 to $29,850 a month at stake" in page.texts
    assert "2 problems: the report is not complete" in page.texts
    assert len(page.all("details", "finding")) == 3
    assert [one["data-severity"] for one in page.all("details", "finding")] == ["critical", "high", "medium"]
    for text in (
        'instance_type = "ml.p4d.24xlarge"',
        "called here",
        "main.tf:3",
        "Env = prod",
        "ml.p4d.24xlarge, 730 h x $25.25 in us-east-1 to $40.89 in sa-east-1",
        "Choose an allowed type:",
        'instance_type = "ml.t3.medium"',
        "An SCP prevents it.",
        "Does not stop notebooks that run already.",
        "3 checks undecided",
        "var.size has no value",
        "1 finding suppressed",
        "the team knows",
        "not YAML: a tab indents",
        "1 ignore is unused",
    ):
        assert text in said, text


def test_a_clean_run(make_report: Callable[..., Report]) -> None:
    page = Page(render(make_report()))
    assert "No findings" in page.texts
    assert "Nothing was found: none of the policies has anything to say." in page.texts
    assert page.all("details") == page.all("form") == []
    broken = Page(render(make_report(problems=(ParseError("no", "a.tf"),))))
    assert "No findings, but not everything could be read" in broken.texts


def test_what_the_change_did_is_told(compared_report: Report) -> None:
    page = Page(render(compared_report))
    assert [one["data-status"] for one in page.all("details", "finding")] == ["new", "existing", "worse"]
    for text in (
        "before: $100 to $200",
        "this change adds $18,433 to $29,850",
        "1 new finding, 1 worse, 1 fixed",
        "New or worse",
        "against main at 1a2b3c4",
        "1 finding fixed by this change",
        "it is no more",
        "this change adds an ignore",
        ".mlguard.yaml abcd",
        "origin/main",
        "73 ef01",
        "--fail-on=low",
    ):
        assert text in page.texts, text


def test_the_policy_lets_in_its_own_style_and_script_only(full_report: Report) -> None:
    page = Page(render(full_report))
    (policy,) = (one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    hashes = {
        tag: "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for tag, text in page.inside.items()
    }
    assert policy == (
        f"default-src 'none'; style-src '{hashes['style']}'; script-src '{hashes['script']}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert "style" not in {name for _, attrs in page.tags for name in attrs}


def test_the_page_names_nothing_outside(full_report: Report) -> None:
    text = render(full_report)
    links = re.findall(r"(?:href|src|action|srcset|data)=\"([^\"]*)\"", text)
    assert all(link.startswith("#") or link == "https://docs.example.com/notebooks" for link in links)
    assert "url(" not in text
    assert "@import" not in text
    assert len(text) < 60_000


def test_a_policy_of_a_stranger_gets_no_link(
    make_finding: Callable[..., Finding], make_policy: Callable[..., Policy], make_report: Callable[..., Report]
) -> None:
    finding = make_finding(policy=make_policy(built_in=False))
    assert "https://" not in render(make_report(finding))


def test_the_same_report_is_the_same_page(full_report: Report) -> None:
    assert render(full_report) == render(full_report)


def test_every_fragment_is_used() -> None:
    assets = files("mlguard.render").joinpath("assets", "report.html").read_text("utf-8")
    code = "".join(one.read_text("utf-8") for one in files("mlguard.render").iterdir() if one.name.endswith(".py"))
    named = re.findall(r"<!-- fragment: ([a-z-]+) -->", assets)
    assert [name for name in named if f'"{name}"' not in code] == []


def test_hostile_text_is_text(make_hostile_report: Callable[[str], Report], hostile: str) -> None:
    text = render(make_hostile_report(hostile))
    plain = Page(render(make_hostile_report("plain")))
    page = Page(text)
    assert text.replace("\n", "").isprintable()
    assert page.structure() == plain.structure()
    assert all(one["href"].startswith("#") for one in page.all("a") if one["href"])
    assert {name for _, attrs in page.tags for name in attrs} <= {name for _, attrs in plain.tags for name in attrs}
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert page.inside == plain.inside
    whole = "".join(page.texts).replace("`", "")
    assert "".join(visible(hostile.replace("\n", " ")).split())[:100].replace("`", "") in "".join(whole.split())


def test_what_mlguard_can_mend_itself_is_told(
    make_finding: Callable[..., Finding], make_report: Callable[..., Report]
) -> None:
    safe = Repair(safe=True, what="abort uploads")
    unsafe = Repair(safe=False, what="delete images")
    refused = Repair(safe=True, what="", refused="the block is made by a loop")
    repairs = (safe, unsafe, refused, None)
    page = Page(render(make_report(*(make_finding(leaf=str(n), repair=one) for n, one in enumerate(repairs)))))
    assert page.texts.count("Fix by mlguard") == 2
    for text in ("abort uploads", "mlguard scan --fix", "delete images", "mlguard scan --fix --unsafe-fixes"):
        assert text in page.texts
    assert "mlguard does not mend it: the block is made by a loop" in page.texts


def test_the_dearest_comes_first_among_the_worst(
    make_finding: Callable[..., Finding], make_part: Callable[..., Part], make_report: Callable[..., Report]
) -> None:
    cheap = make_finding(message="cheap", at=Span("infra/nb.tf", 1, 1, 1, 2), exposure=(make_part(high=20000.0),))
    dear = make_finding(message="dear", leaf="x", exposure=(make_part(),))
    text = render(make_report(cheap, dear))
    assert text.index(">dear<") < text.index(">cheap<")
