"""The configuration of each folder: what is nearest counts, other files may be extended, and nobody guesses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlguard.configuration import Configuration, Configurations
from mlguard.errors import ConfigurationError
from mlguard.policy.model import Severity
from mlguard.source import Document, Root

Tree = Callable[[Mapping[str, str]], Configurations]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Give a function that writes files and gives the configurations of their folder."""

    def write(files: Mapping[str, str]) -> Configurations:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return Configurations(Root(tmp_path))

    return write


def origin(configuration: Configuration, name: str) -> str:
    at = configuration.origins[name]
    return f"{at.path}:{at.line}"


def test_the_nearest_file_counts_and_the_others_where_it_says_nothing(tree: Tree) -> None:
    found = tree(
        {
            ".mlguard.yaml": "fail_on: high\nregion: us-east-1\nignore: [s3]\n",
            "apps/.mlguard.yml": "region: eu-west-1\n",
            "apps/deep/down/.mlguard.yaml": "ignore: []\n",
        }
    )
    top, apps, down = found.of(""), found.of("apps/deep"), found.of("apps/deep/down")
    assert (top.region, apps.region, down.region) == ("us-east-1", "eu-west-1", "eu-west-1")
    assert (apps.ignore, down.ignore) == (("s3",), ())
    assert down.fail_on is Severity.HIGH
    assert down.files == ("apps/deep/down/.mlguard.yaml", "apps/.mlguard.yml", ".mlguard.yaml")
    assert [origin(down, name) for name in ("ignore", "region", "fail_on")] == [
        "apps/deep/down/.mlguard.yaml:1",
        "apps/.mlguard.yml:1",
        ".mlguard.yaml:1",
    ]
    assert found.of("other") is top


def test_root_stops(tree: Tree) -> None:
    found = tree(
        {".mlguard.yaml": "fail_on: high\nexclude: [x]\n", "a/.mlguard.yaml": "root: true\nregion: eu-west-1\n"}
    )
    assert (found.of("a/b").fail_on, found.of("a/b").exclude) == (Severity.LOW, ())
    assert found.of("a/b").files == ("a/.mlguard.yaml",)


def test_exclude_adds_up_and_is_relative_to_the_folder(tree: Tree) -> None:
    found = tree({".mlguard.yaml": 'exclude: ["**/gen"]\n', "a [1]/.mlguard.yaml": 'exclude: [old, "**/tmp"]\n'})
    inner = found.of("a [1]")
    assert inner.excludes("a [1]/old/x.tf")
    assert inner.excludes("a [1]/gen/x.tf")
    assert inner.excludes("a [1]/tmp/x.tf")
    assert inner.excludes("a [1]/b/tmp/x.tf")
    assert not inner.excludes("old/x.tf")
    assert not inner.excludes("a 1/old/x.tf")
    assert found.of("").excludes("gen/x.tf")


def test_files_are_relative_to_the_one_that_names_them(tree: Tree) -> None:
    found = tree(
        {
            "a/.mlguard.yaml": "extend: ../shared/base.yaml\npolicies: [rules]\nenvironments:\n"
            "  production: {var_files: [../prod.tfvars, ./own.tfvars], parameter_files: [samconfig.toml:prod]}\n",
            "shared/base.yaml": "prices: rates.csv\nexclude: [drafts]\n",
        }
    ).of("a")
    assert (found.policies, found.prices, found.exclude) == (("a/rules",), "shared/rates.csv", ("a/drafts",))
    assert found.deployments[0].var_files == ("prod.tfvars", "./own.tfvars")
    assert found.deployments[0].parameter_files == ("a/samconfig.toml:prod",)


def test_parameters_of_the_nearest_file_count_for_every_environment_that_it_does_not_except(tree: Tree) -> None:
    found = tree(
        {
            ".mlguard.yaml": "environments: {production: {parameters: {max_idle_seconds: 900}}}\n",
            "a/.mlguard.yaml": "parameters: {max_idle_seconds: 60}\n",
            "b/.mlguard.yaml": "environments: {sandbox: {parameters: {max_idle_seconds: 30}}}\n",
        }
    )

    def idle(folder: str, environment: str) -> object:
        return found.of(folder).parameters.value("max_idle_seconds", {"environment": environment})

    assert (idle("", "production"), idle("a", "production"), idle("a", "sandbox")) == (900, 60, 60)
    assert (idle("b", "production"), idle("b", "sandbox")) == (900, 30)
    assert origin(found.of("a"), "parameters.max_idle_seconds") == "a/.mlguard.yaml:1"
    assert "environments.production.parameters.max_idle_seconds" not in found.of("a").origins


def test_environments_are_joined_by_name(tree: Tree) -> None:
    found = tree(
        {
            ".mlguard.yaml": "environments:\n  production: {paths: [live], region: us-east-1, words: [shop]}\n"
            "  sandbox: {paths: [play]}\n",
            "a/.mlguard.yaml": "environments:\n  production: {paths: [main], words: [store]}\n",
            "b/.mlguard.yaml": "environment: training\n",
        }
    )
    inner = found.of("a")
    assert inner.environment_of("a/main/x.tf") == "production"
    assert inner.environment_of("live/x.tf") == ""
    assert inner.region_of("a/main/x.tf") == "us-east-1"
    assert {"shop", "store"} <= set(inner.parameters.environments["production"].words)
    assert found.of("b").environment_of("play/x.tf") == ""
    assert found.of("b").environment == "training"


def test_an_environment_may_be_declared_further_up(tree: Tree) -> None:
    files = {
        ".mlguard.yaml": "environments: {research: {words: [sci]}}\n",
        "a/.mlguard.yaml": "environment: research\n",
    }
    assert tree(files).of("a").environment == "research"
    with pytest.raises(ConfigurationError, match='there is no environment "research"') as caught:
        tree({"a/.mlguard.yaml": "root: true\nenvironment: research\n"}).of("a")
    assert (caught.value.path, caught.value.line) == ("a/.mlguard.yaml", 2)


PYPROJECT = """\
[project]
name = "x"

[tool.mlguard]
fail_on = "medium"
select = ["gpu",
          "s3"]

[tool.mlguard.parameters]
max_idle_seconds = 5

[tool.mlguard.environments.production]
paths = ["live"]
tags = { stage = ["prd*"] }
"""


def test_a_table_of_pyproject(tree: Tree) -> None:
    found = tree({"pyproject.toml": PYPROJECT}).of("")
    assert (found.fail_on, found.select) == (Severity.MEDIUM, ("gpu", "s3"))
    assert found.parameters.value("max_idle_seconds", {}) == 5
    assert found.environment_of("live/x.tf") == "production"
    assert found.assigned("tag", "prd-1", "stage") == "production"
    assert origin(found, "parameters.max_idle_seconds") == "pyproject.toml:10"
    assert origin(found, "environments.production.paths") == "pyproject.toml:13"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[tool.mlguard]\n\nselct = 1\n", 3, 'there is no setting "selct"; did you mean "select"?'),
        ("[tool.mlguard]\nfail_on = 'hgih'\n", 2, 'there is no severity "hgih"'),
        ("[tool.mlguard.parameters]\nmax_idle_seconds = 'soon'\n", 2, '"max_idle_seconds" must be a number'),
        ("[tool.mlguard.parameters]\nmax_idle_seconds = nan\n", 2, '"max_idle_seconds" must be a number'),
        ("[tool.mlguard]\nregion = 1979-05-27\nfail_on =\n", 3, "not valid TOML"),
        ("[tool]\nmlguard = 3\n", 2, "the configuration must be a mapping"),
        ("tool.mlguard.environments.a.wrds = []\n", 1, 'there is no setting "wrds"'),
    ],
)
def test_what_is_wrong_in_a_pyproject_is_refused_with_its_line(tree: Tree, text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        tree({"a/pyproject.toml": text}).of("a")
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == ("a/pyproject.toml", line)


@pytest.mark.parametrize("text", ["[project]\nname = 'x'\n", "not toml at all = = =", "# mlguard is on the list\n", ""])
def test_a_pyproject_of_others_configures_nothing(tree: Tree, text: str) -> None:
    assert tree({"pyproject.toml": text}).of("").files == ()


@pytest.mark.parametrize(
    "names",
    [(".mlguard.yaml", ".mlguard.yml"), (".mlguard.yaml", "pyproject.toml"), (".mlguard.yml", "pyproject.toml")],
)
def test_two_files_in_one_folder_are_refused_by_name(tree: Tree, names: tuple[str, str]) -> None:
    content = {name: "[tool.mlguard]\n" if name.endswith("toml") else "fail_on: low\n" for name in names}
    with pytest.raises(ConfigurationError) as caught:
        tree({f"a/{name}": text for name, text in content.items()}).of("a/b")
    assert caught.value.message == f"a/{names[0]} and a/{names[1]} both configure this folder: keep one of them"


@pytest.mark.parametrize(
    ("files", "place", "message"),
    [
        ({".mlguard.yaml": "extend: ../x.yaml\n"}, ".mlguard.yaml:1", "it must be a file inside the repository"),
        (
            {".mlguard.yaml": "region: x\nextend: /etc/x\n"},
            ".mlguard.yaml:2",
            "it must be a file inside the repository",
        ),
        ({".mlguard.yaml": "extend: x.yaml\n"}, ".mlguard.yaml:1", '"extend" names x.yaml: there is no such file'),
        ({".mlguard.yaml": "extend: .mlguard.yaml\n"}, ".mlguard.yaml:1", "extend one another in a circle"),
        (
            {".mlguard.yaml": "extend: a.yaml\n", "a.yaml": "extend: b.yaml\n", "b.yaml": "extend: a.yaml\n"},
            "b.yaml:1",
            "in a circle: .mlguard.yaml -> a.yaml -> b.yaml -> a.yaml",
        ),
        ({".mlguard.yaml": "extend: a.yaml\n", "a.yaml": "\nselct: x\n"}, "a.yaml:2", 'no setting "selct"'),
        (
            {".mlguard.yaml": "extend: 0.yaml\n", **{f"{n}.yaml": f"extend: {n + 1}.yaml\n" for n in range(20)}},
            "8.yaml:1",
            "more than 10 files extend one another",
        ),
        ({".mlguard.yaml": "root: maybe\n"}, ".mlguard.yaml:1", '"root" must be true or false'),
    ],
)
def test_what_is_extended_is_a_file_of_the_repository(
    tree: Tree, files: Mapping[str, str], place: str, message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        tree(files).of("")
    assert message in caught.value.message
    assert f"{caught.value.path}:{caught.value.line}" == place


def test_a_link_is_not_extended(tree: Tree, tmp_path: Path) -> None:
    found = tree({".mlguard.yaml": "extend: link.yaml\n", "outside.yaml": "fail_on: critical\n"})
    (tmp_path / "link.yaml").symlink_to("outside.yaml")
    with pytest.raises(ConfigurationError, match="not a regular one"):
        found.of("")


class Kept(Root):
    """A root that reads what it holds, as one does that reads a commit."""

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__(Path("/nowhere"))
        self._files = files

    def names(self, folder: str) -> list[str]:
        """List what the kept paths hold."""
        below = f"{folder}/" if folder else ""
        return sorted({path.removeprefix(below).split("/")[0] for path in self._files if path.startswith(below)})

    def exists(self, path: str) -> bool:
        """Tell of both."""
        return self.is_file(path) or self.is_folder(path)

    def is_file(self, path: str) -> bool:
        """Tell of the kept files."""
        return path in self._files

    def is_folder(self, path: str) -> bool:
        """Tell of what is above them."""
        return path == "" or any(one.startswith(f"{path}/") for one in self._files)

    def read_bytes(self, path: str, limit: int = 0) -> bytes:
        """Give what is kept."""
        del limit
        return self._files[path].encode()

    def read(self, path: str, limit: int = 0) -> Document:
        """Give what is kept."""
        del limit
        return Document(path, self._files[path])


def test_only_the_root_is_asked_what_there_is() -> None:
    files = {
        "a/pyproject.toml": PYPROJECT,
        ".mlguard.yaml": "extend: b/base.yaml\n",
        "b/base.yaml": "region: eu-west-1\n",
    }
    found = Configurations(Kept(files))
    assert (found.of("a/b/c").region, found.of_path("a/x.tf").fail_on) == ("eu-west-1", Severity.MEDIUM)


def test_a_deep_tree_is_no_trouble(tree: Tree) -> None:
    assert tree({".mlguard.yaml": "region: eu-west-1\n"}).of("/".join("x" * 3000)).region == "eu-west-1"
