"""The HTML report in a real browser: what a person sees, clicks and types, and what the page never does.

Chromium is driven over a pipe by its own protocol. Without a browser the tests are skipped, but not in CI.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mlguard.cli import main
from mlguard.finding import Finding, Part, Report
from mlguard.policy.model import Policy, Severity
from mlguard.render.html_report import render
from mlguard.source import Document, Span

FIXTURES = Path(__file__).parents[2] / "fixtures"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
    "--disable-extensions", "--disable-background-networking", "--remote-debugging-pipe",
)  # fmt: skip
_PATIENCE = 60.0
# The browser listens at descriptor 3 and answers at 4, whatever numbers the pipes have here.
_AS_3_AND_4 = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execvp(sys.argv[3], sys.argv[3:])"
)


class Browser:
    """A headless Chromium with one page open."""

    def __init__(self, program: str, profile: Path) -> None:
        theirs, ours = os.pipe()
        answers, their_answers = os.pipe()
        started = [program, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        command = [sys.executable, "-c", _AS_3_AND_4, str(theirs), str(their_answers), *started]
        self._process = subprocess.Popen(
            command, pass_fds=(theirs, their_answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(theirs)
        os.close(their_answers)
        self._ours, self._answers, self._rest, self._last = ours, answers, b"", 0
        self.events: list[dict[str, Any]] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Call a method of the protocol and give its result."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if hasattr(self, "_session"):
            message["sessionId"] = self._session
        os.write(self._ours, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._answer()
            if answer.get("id") == self._last:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _answer(self) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._answers], [], [], max(deadline - time.monotonic(), 0))
            assert ready, "the browser does not answer"
            read = os.read(self._answers, 1 << 20)
            assert read, "the browser has gone"
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def open(self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Open a file and wait until it is there."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        for address in ("about:blank", page.as_uri()):
            self.events.clear()
            self.call("Page.navigate", url=address)
            while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
                self.events.append(self._answer())

    def run(self, script: str) -> Any:  # noqa: ANN401  (whatever the script gives)
        """Run a script in the page and give its value."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until a condition holds in the page: events come when the browser has time for them."""
        deadline = time.monotonic() + _PATIENCE
        while not self.run(condition):
            assert time.monotonic() < deadline, condition
            time.sleep(0.02)

    def press(self, key: str) -> None:
        """Press and release a key."""
        code = {"Enter": 13, "Tab": 9}.get(key, 0)
        typed = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **typed)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        self.call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click on the first element of a selector, as a mouse does."""
        one = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{one}.scrollIntoView({{block: 'center'}})")
        box = self.run(f"{one}.getBoundingClientRect().toJSON()")
        place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def screenshot(self, to: Path) -> bytes:
        """Take a picture of what is seen."""
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        to.write_bytes(data)
        return data

    def faults(self) -> list[object]:
        """Give what the page did wrong: errors, refused content, requests for anything but itself."""
        kinds = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        found: list[object] = [event["params"] for event in self.events if event.get("method") in kinds]
        requests = [event["params"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return found + [one["request"]["url"] for one in requests if one["type"] != "Document"]

    def close(self) -> None:
        """End the browser."""
        os.close(self._ours)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._answers)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None or sys.platform == "win32":
        if os.environ.get("CI") and sys.platform == "linux":
            pytest.fail(f"CI needs a browser to try the HTML report in: one of {', '.join(_NAMES)}")
        pytest.skip("there is no Chromium here")
    made = Browser(program, tmp_path_factory.mktemp("profile"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the report of the Terraform fixtures, as a user would."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    folders = [str(FIXTURES / "terraform"), str(FIXTURES / "cdk" / "apps")]
    assert main(["scan", "--no-progress", "--format", "html", "--output", str(path), *folders]) == 1
    return path


_SHOWN = "Array.from(document.querySelectorAll('.finding')).filter((one) => !one.hidden)"


def shown(browser: Browser) -> int:
    count: int = browser.run(f"{_SHOWN}.length")
    return count


def test_the_page_needs_nothing_and_complains_of_nothing(browser: Browser, page: Path, tmp_path: Path) -> None:
    for width, dark in ((1280, False), (1280, True), (400, False), (400, True)):
        browser.open(page, width=width, dark=dark)
        assert browser.faults() == []
        assert browser.run("document.documentElement.scrollWidth") <= width
        assert len(browser.screenshot(tmp_path / "page.png")) > 30_000
    assert browser.run("document.getElementById('tools').hidden") is False
    assert shown(browser) == browser.run("document.querySelectorAll('.finding').length") > 50


def test_dark_and_light_have_their_colours(browser: Browser, page: Path) -> None:
    colours = []
    for dark in (False, True):
        browser.open(page, dark=dark)
        colours.append(browser.run("getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(245, 246, 248)", "rgb(15, 19, 24)"]


# The contrast of WCAG 2: text against what is behind it.
_CONTRAST = """
(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const linear = (one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = colour.map((one) => linear(one / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const low = new Map();
  for (const element of document.querySelectorAll("body *")) {
    const own = Array.from(element.childNodes).some((one) => one.nodeType === 3 && one.data.trim());
    if (!own || !element.checkVisibility() || element.closest("svg")) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.set(element.tagName + "." + element.className, ratio.toFixed(2));
  }
  return Array.from(low);
})()
"""


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_has_enough_contrast(browser: Browser, page: Path, dark: bool) -> None:  # noqa: FBT001
    browser.open(page, dark=dark)
    browser.run("document.querySelectorAll('details:not(.finding)').forEach((one) => { one.open = true; })")
    browser.run("Array.from(document.querySelectorAll('.finding')).slice(0, 20).forEach((one) => { one.open = true; })")
    assert browser.run(_CONTRAST) == []


def test_every_control_has_a_name_and_the_headings_are_in_order(browser: Browser, page: Path) -> None:
    browser.open(page)
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    controls = ("button", "searchbox", "checkbox", "combobox", "link", "DisclosureTriangle")
    found = [node for node in tree if node.get("role", {}).get("value") in controls and not node.get("ignored")]
    assert len(found) > 100
    assert [node for node in found if not node.get("name", {}).get("value")] == []
    levels = browser.run("Array.from(document.querySelectorAll('h1, h2, h3'), (one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert browser.run("new Set(Array.from(document.querySelectorAll('[id]'), (one) => one.id)).size") == browser.run(
        "document.querySelectorAll('[id]').length"
    )


def test_filters_narrow_the_findings_and_reset_brings_them_back(browser: Browser, page: Path) -> None:
    browser.open(page)
    everything = shown(browser)
    browser.click(".chip.high span")
    high = browser.run("document.querySelectorAll('.finding[data-severity=high]').length")
    assert shown(browser) == everything - high
    assert browser.run("document.querySelector('output').value") == f"{everything - high} of {everything}"
    browser.click("[data-reset]")
    assert shown(browser) == everything
    for name in ("pack", "policy", "project", "environment", "guardrail"):
        value = browser.run(f"document.querySelector('select[name={name}] option:last-child').value")
        said = browser.run(f"document.querySelector('select[name={name}] option:last-child').textContent")
        browser.run(
            f"(() => {{ const one = document.querySelector('select[name={name}]'); one.value = {json.dumps(value)};"
            " one.dispatchEvent(new Event('input', {bubbles: true})); })()"
        )
        assert 0 < shown(browser) < everything
        assert said.endswith(f"({shown(browser)})")
        browser.click("[data-reset]")


def test_search_is_a_key_away(browser: Browser, page: Path) -> None:
    browser.open(page)
    everything = shown(browser)
    browser.press("/")
    browser.type("P4D.24xlarge sandbox")
    found = shown(browser)
    assert 0 < found < everything
    assert browser.run(f"{_SHOWN}.every((one) => one.textContent.includes('p4d.24xlarge'))")
    browser.type(" klingon")
    assert shown(browser) == 0
    assert browser.run("document.getElementById('none').checkVisibility()")
    browser.press("Escape")
    assert shown(browser) == everything


def test_findings_are_sorted(browser: Browser, page: Path) -> None:
    browser.open(page)
    for order, of, descending in (("money", "money", True), ("place", "place", False)):
        browser.run(
            f"(() => {{ const one = document.querySelector('[name=sort]'); one.value = '{order}';"
            " one.dispatchEvent(new Event('input', {bubbles: true})); })()"
        )
        values = browser.run(f"{_SHOWN}.map((one) => Number(one.dataset.{of}))")
        assert values == sorted(values, reverse=descending)


def test_a_bar_shows_its_findings(browser: Browser, page: Path) -> None:
    browser.open(page)
    name = browser.run("document.querySelector('[data-filter=policy]').textContent")
    browser.click("[data-filter=policy]")
    assert shown(browser) > 0
    assert browser.run(f"{_SHOWN}.every((one) => one.textContent.includes({json.dumps(name)}))")


def test_an_opened_finding_tells_everything(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("document.querySelector('.finding summary').focus()")
    browser.press("Enter")
    first = "document.querySelector('.finding')"
    browser.wait_for(f"{first}.open && {first}.querySelector('.advice h4') !== null")
    assert browser.run(f"{first}.querySelector('.code mark').checkVisibility()")
    assert browser.run(f"{first}.querySelector('.parts').checkVisibility()")
    assert browser.run(f"{first}.querySelector('.advice h4').textContent").startswith("Fix")
    assert browser.run(f"{first}.querySelectorAll('.advice p').length") >= 2
    browser.click("[data-toggle]")
    assert browser.run(f"{_SHOWN}.every((one) => one.open)")
    assert browser.run("document.querySelector('[data-toggle]').textContent") == "Close all"
    browser.click("[data-toggle]")
    assert browser.run(f"{_SHOWN}.some((one) => one.open)") is False


def test_a_link_leads_to_a_finding(browser: Browser, page: Path) -> None:
    browser.open(page)
    name = browser.run("document.querySelectorAll('.finding')[5].id")
    browser.run(f"location.hash = {json.dumps(name)}")
    browser.wait_for(f"document.getElementById({json.dumps(name)}).open")


def test_the_page_is_complete_on_paper_and_without_its_script(browser: Browser, page: Path) -> None:
    browser.open(page)
    data = browser.call("Page.printToPDF", printBackground=True)["data"]
    assert base64.b64decode(data).startswith(b"%PDF")
    browser.call("Emulation.setEmulatedMedia", media="print")
    code = "document.querySelector('.finding:not([open]) .code')"
    assert browser.run(f"{code}.getBoundingClientRect().height") > 20
    assert browser.run("document.querySelector('.policy:not([open]) .prose').getBoundingClientRect().height") > 20
    browser.call("Emulation.setEmulatedMedia", media="")
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page)
        nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
        assert sum(node.get("role", {}).get("value") == "DisclosureTriangle" for node in nodes) > 50
        assert "searchbox" not in {node.get("role", {}).get("value") for node in nodes}
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_hostile_text_is_text(
    browser: Browser, make_hostile_report: Callable[[str], Report], tmp_path: Path, hostile: str
) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(render(make_hostile_report(hostile)), encoding="utf-8")
    browser.open(path)
    assert browser.faults() == []
    assert browser.run("document.scripts.length + document.images.length + document.links.length") == 1 + browser.run(
        "document.querySelectorAll('a[href^=\"#\"]').length"
    )
    assert browser.run("document.querySelectorAll('.finding').length") == 1
    assert (
        browser.run("document.querySelectorAll('iframe, object, embed, link, base, img, form:not(#tools)').length") == 0
    )
    browser.click(".finding summary")
    browser.wait_for("document.querySelector('.finding').open")


def test_two_thousand_findings_are_shown(
    browser: Browser,
    make_finding: Callable[..., Finding],
    make_part: Callable[..., Part],
    make_policy: Callable[..., Policy],
    make_report: Callable[..., Report],
    tmp_path: Path,
) -> None:
    line = 'resource "aws_sagemaker_notebook_instance" "nb" {\n  instance_type = "ml.p4d.24xlarge"\n  a = 1\n}\n'
    documents = {f"p{number}/main.tf": Document(f"p{number}/main.tf", line * 100) for number in range(20)}
    policies = [make_policy(id=f"policy-{number}", severity=Severity(1 + number % 5)) for number in range(40)]
    findings = [
        make_finding(
            policy=policies[number % 40],
            severity=policies[number % 40].severity,
            at=Span(f"p{number % 20}/main.tf", 2 + 4 * (number // 20), 3, 2 + 4 * (number // 20), 36),
            project=f"p{number % 20}",
            resource=f"aws_sagemaker_notebook_instance.nb{number}",
            exposure=(make_part(project=f"p{number % 20}", resource=f"aws_sagemaker_notebook_instance.nb{number}"),),
        )
        for number in range(2000)
    ]
    path = tmp_path / "many.html"
    path.write_text(render(make_report(*findings, documents=documents, policies=tuple(policies))), encoding="utf-8")
    assert path.stat().st_size < 4_000_000
    browser.open(path)
    assert shown(browser) == 2000
    browser.press("/")
    browser.type("nb1999")
    assert shown(browser) == 1
