"""What holds for every fix of every text: once is enough, and all that is not spliced stays as it is, to the byte."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from difflib import unified_diff
from itertools import pairwise
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlguard.finding import Report, Splice
from mlguard.policy.load import bundled_policies
from mlguard.repair.rounds import mend
from mlguard.repair.splices import composed, difference, spliced
from mlguard.scan import Options, scan
from mlguard.scan.selection import choose
from mlguard.source import Overlay

_NAMES = ("bucket-without-lifecycle", "log-group-without-retention", "unfinished-uploads-kept")
_POLICIES = choose(bundled_policies(), _NAMES, ())

_comment = st.sampled_from(["", " # a", " # b: {c} [d]"])
_yaml_value = st.sampled_from(
    ["acme-ml-data", "'it''s'", '"x\\ty"', ">-\n        folded\n        text", "!Sub 'a-${B}'"]
)
_newline = st.sampled_from(["\n", "\r\n"])


@st.composite
def templates(draw: st.DrawFn) -> str:
    """Make a template with some buckets and log groups in various styles."""
    parts = ["Resources:"]
    for index in range(draw(st.integers(1, 3))):
        kind, key = draw(st.sampled_from([("AWS::S3::Bucket", "BucketName"), ("AWS::Logs::LogGroup", "LogGroupName")]))
        parts.append(f"  R{index}:{draw(_comment)}")
        parts.append(f"    Type: {kind}{draw(_comment)}")
        shape = draw(st.sampled_from(["block", "flow", "lines", "none", "null"]))
        if shape == "block":
            parts.append(f"    Properties:{draw(_comment)}")
            if draw(st.booleans()):
                parts += ["      Tags:", "      - Key: a", f"        Value: b{draw(_comment)}"]
            parts.append(f"      {key}: {draw(_yaml_value)}")
        elif shape == "flow":
            parts.append(f"    Properties: {{{key}: a, Tags: [{{Key: a, Value: b}}]}}{draw(_comment)}")
        elif shape == "lines":
            parts += ["    Properties: {", f"      {key}: a{draw(st.sampled_from(['', ',']))}{draw(_comment)}", "    }"]
        elif shape == "null":
            parts.append(f"    Properties:{draw(_comment)}")
        parts += draw(st.sampled_from([[], [""], ["  # between"], ["    DependsOn: []"]]))
    return draw(_newline).join(parts) + draw(st.sampled_from(["", "\n"]))


@st.composite
def configurations(draw: st.DrawFn) -> str:
    """Make a Terraform file with some buckets and log groups in various styles."""
    parts = []
    for index in range(draw(st.integers(1, 3))):
        kind, key = draw(st.sampled_from([("aws_s3_bucket", "bucket"), ("aws_cloudwatch_log_group", "name")]))
        head = f'resource "{kind}" "r{index}" {{'
        shape = draw(st.sampled_from(["line", "empty", "lines", "rules"]))
        if shape == "line":
            parts.append(f'{head} {key} = "ml-{index}" }}{draw(_comment)}')
        elif shape == "empty":
            parts.append(f"{head}}}")
        else:
            parts += [
                f"{head}{draw(_comment)}",
                f'  {key} = "ml-{index}"{draw(_comment)}',
                "  tags = {",
                '    a = "b"',
                "  }",
            ]
            if shape == "rules" and kind == "aws_s3_bucket":
                parts += ["  lifecycle_rule {", "    enabled = true", "    expiration { days = 30 }", "  }"]
            parts.append("}")
        parts += draw(st.sampled_from([[], [""], ["# between"], ["/* more */", ""]]))
    return draw(_newline).join(parts) + draw(st.sampled_from(["", "\n"]))


def _check(name: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(text.encode("utf-8"))

        def again(texts: Mapping[str, str]) -> Report:
            return scan(Options(root=Overlay(Path(folder), texts), policies=_POLICIES, known=_POLICIES))

        before = again({})
        for finding in before.findings:
            if finding.repair is not None and finding.repair.splices:
                _check_splices(finding.repair.splices, text)
        made = mend(before, again, lambda _: True)
        after = made.texts.get(name, text)
        wanted = {one.policy.id for one in before.findings if one.repair is not None and not one.repair.refused}
        assert wanted <= {one.policy.id for one in made.fixed}, made.refused
        assert not mend(again(made.texts), lambda more: again({**made.texts, **more}), lambda _: True).texts
        _only_added(text, after)


def _check_splices(splices: tuple[Splice, ...], text: str) -> None:
    """Everything outside of the splices is the same, to the byte."""
    after = spliced(text, sorted(splices, key=lambda one: one.start))
    position = shift = 0
    for splice in sorted(splices, key=lambda one: one.start):
        assert after[position + shift : splice.start + shift] == text[position : splice.start]
        assert after[splice.start + shift :].startswith(splice.text)
        position = splice.end
        shift += len(splice.text) - (splice.end - splice.start)
    assert after[position + shift :] == text[position:]


def _only_added(before: str, after: str) -> None:
    """Every character is still there, in its order, but for blanks."""
    rest = iter(after)
    assert all(character in rest for character in before if not character.isspace())
    assert ("\r\n" in before) == ("\r\n" in after) or "\n" not in before
    assert before.endswith("\n") == after.endswith("\n")


@settings(max_examples=40, deadline=None)
@given(templates())
def test_a_template_is_mended_once_and_only_grows(text: str) -> None:
    yaml.compose(text.replace("!Sub", ""))  # the strategy makes YAML
    _check("t.yaml", text)


@settings(max_examples=40, deadline=None)
@given(configurations())
def test_a_configuration_is_mended_once_and_only_grows(text: str) -> None:
    _check("main.tf", text)


_pieces = st.text("ab\n", max_size=6)


@st.composite
def splices_of(draw: st.DrawFn, text: str) -> list[Splice]:
    """Draw splices that do not touch."""
    points = draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True).map(sorted))
    pairs = (
        [(point, point) for point in points]
        if draw(st.booleans())
        else list(zip(points[::2], points[1::2], strict=False))
    )
    apart = [pair for index, pair in enumerate(pairs) if index == 0 or pairs[index - 1][1] < pair[0]]
    return [Splice("f", start, end, draw(_pieces)) for start, end in apart]


def patched(text: str, hunks: list[str]) -> str:
    """Apply a unified diff as a program would that believes every number in it."""
    lines, made, position = text.splitlines(keepends=True), list[str](), 0
    for line in hunks:
        if line.startswith("@@"):
            numbers = re.match(r"@@ -(\d+)(?:,(\d+))? [+](\d+)(?:,(\d+))? @@\n$", line)
            assert numbers is not None
            start, count, new = int(numbers[1]), int(numbers[2] or 1), int(numbers[3])
            made += lines[position : start - (count > 0)]
            position = start - (count > 0)
            assert len(made) == new - (int(numbers[4] or 1) > 0)
            continue
        if line[0] in " -":
            assert lines[position] == line[1:]
            position += 1
        if line[0] in " +":
            made.append(line[1:])
    return "".join([*made, *lines[position:]])


@given(st.text("ab\n", max_size=40), st.data())
@settings(max_examples=300)
def test_two_rows_of_splices_are_one(text: str, data: st.DataObject) -> None:
    first = data.draw(splices_of(text))
    between = spliced(text, first)
    then = data.draw(splices_of(between))
    both = composed(first, then, between)
    assert spliced(text, both) == spliced(between, then)
    assert all(one.end < other.start for one, other in pairwise(both))
    assert patched(text, list(difference(text, both))) == spliced(between, then)


def test_a_difference_is_written_as_diff_writes_it() -> None:
    text = "".join(f"{number}\n" for number in range(20)) + "end"
    splices = [Splice("f", 0, 0, "new\n"), Splice("f", 8, 9, "four"), Splice("f", len(text), len(text), "ing\nmore\n")]
    wanted = unified_diff(text.splitlines(keepends=True), spliced(text, splices).splitlines(keepends=True))
    assert list(difference(text, splices)) == list(wanted)[2:]
