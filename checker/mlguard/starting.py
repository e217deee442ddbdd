"""To begin with mlguard in a repository: look at what it holds, and write what fits that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mlguard import __version__
from mlguard.configuration import Configurations
from mlguard.parse.terraform import Folders
from mlguard.policy.parameters import bundled_parameters
from mlguard.record import field, record
from mlguard.scan import Options
from mlguard.scan.discover import Found, discover
from mlguard.scan.reading import notes_on_apps
from mlguard.source import Root

PRE_COMMIT = ".pre-commit-config.yaml"
WORKFLOW = ".github/workflows/mlguard.yml"
CONFIGURATION = ".mlguard.yaml"
_MAX_WORDS = 4  # a longer name is a sentence, and names no environment
_WORD = re.compile(r"[a-z]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_VALUES = (".tfvars", ".tfvars.json")
_FILES = r"\.(tf|tofu|tfvars|tf\.json|ya?ml|json|template)$"
_CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
_PYTHON = "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0"


@record(frozen=False)
class Survey:
    """What a repository holds.

    `formats` are things in words with their number; `environments` the folders and files whose names tell an
    environment, by that; `var_files` the Terraform variable files that do, each beginning with `./` if it stands
    beside the root module that it is for; `remarks` say what was not looked at, and what to run first.
    """

    formats: dict[str, int] = field(default_factory=dict)
    environments: dict[str, list[str]] = field(default_factory=dict)
    var_files: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    apps: list[str] = field(default_factory=list)


def survey(root: Root) -> Survey:
    """Look at what a repository holds; nothing is judged."""
    configurations = Configurations(root)
    options = Options(root=root, configurations=configurations)
    found = discover(root, ("",), options.excluded, lambda _seen: None)
    roots = Folders(root, list(found.terraform), lambda _type: False).roots()
    inside = [f"{folder}/" for folder in found.assemblies]
    templates = [path for path in found.templates if not path.startswith(tuple(inside))]
    assemblies = _outer(found.assemblies)
    counts = {
        "Terraform root modules": len(roots),
        "CloudFormation templates": len(templates),
        "CDK cloud assemblies": len(assemblies),
        "Terraform plans": len(found.plans),
    }
    seen = Survey({what: count for what, count in counts.items() if count})
    for path in sorted((*roots, *templates, *assemblies)):
        _note_environment(path, seen.environments)
    for folder in roots:
        for name in _value_files(root, folder):
            _note_values(name, seen.var_files)
    seen.remarks = [*notes_on_apps(options, found), *found.notes, *(str(problem) for problem in found.problems)]
    seen.apps = _unsynthesized(found)
    return seen


def _outer(folders: Iterable[str]) -> list[str]:
    known = sorted(folders)
    return [one for one in known if not any(one.startswith(f"{other}/") for other in known)]


def _unsynthesized(found: Found) -> list[str]:
    below = [f"{app}/" if app else "" for app in found.apps]
    return [
        app
        for app, start in zip(found.apps, below, strict=True)
        if not any(folder.startswith(start) for folder in found.assemblies)
    ]


def _environment_of(name: str) -> str:
    words = _WORD.findall(_HUMP.sub("-", name).lower())
    known = bundled_parameters().environment_words()
    return next((known[word] for word in words if word in known), "") if len(words) <= _MAX_WORDS else ""


def _note_environment(path: str, environments: dict[str, list[str]]) -> None:
    """Note the folder, or else the file, that tells the environment of a project: the innermost one counts."""
    parts = path.split("/")
    for length in range(len(parts), 0, -1):
        environment = _environment_of(parts[length - 1].partition(".")[0])
        if environment:
            told = "/".join(parts[:length])
            if told not in environments.setdefault(environment, []):
                environments[environment].append(told)
            return


def _value_files(root: Root, folder: str) -> Iterator[str]:
    """Give the variable files of a root module: beside it, and in the folders right below it."""
    for name in root.names(folder):
        path = f"{folder}/{name}" if folder else name
        if name.endswith(_VALUES):
            yield f"./{name}"
        elif root.is_folder(path) and not name.startswith("."):
            yield from (f"./{name}/{one}" for one in root.names(path) if one.endswith(_VALUES))


def _note_values(name: str, var_files: dict[str, list[str]]) -> None:
    stem = name.rpartition("/")[2]
    automatic = stem.startswith("terraform.tfvars") or ".auto." in stem
    environment = "" if automatic else _environment_of(stem.partition(".")[0])
    if environment and name not in var_files.setdefault(environment, []):
        var_files[environment].append(name)


def files_for(seen: Survey) -> dict[str, str]:
    """Write the files that fit what was seen, by their paths."""
    return {CONFIGURATION: _configuration(seen), PRE_COMMIT: f"repos:\n{hook_entry()}", WORKFLOW: _workflow(seen)}


def told(seen: Survey) -> str:
    """Say in one line what was seen."""
    counted = [f"{what}: {count:,}" for what, count in seen.formats.items()]
    return ", ".join(counted) or "no infrastructure code"


def _configuration(seen: Survey) -> str:
    lines = [
        f"# What mlguard checks here. When this was written, the repository held {told(seen)}.",
        "# `mlguard config show PATH` tells what counts for a path, and where that is written.",
        "# A folder may have a file of its own: what it says stands above this one.",
        "",
        "# From which severity findings fail the run: info, low (the default), medium, high or critical.",
        "# fail_on: high",
        "",
        "# The region of stacks and providers that do not name one; prices depend on it.",
        "# region: us-east-1",
        "",
        "# Policies by id, pack or wildcard that are not judged, and folders that are not looked at.",
        "# ignore: [premium-region]",
        "# exclude: [examples]",
        "",
        "# Where another team keeps the budgets of the account, say so; or let those of the whole repository count.",
        "# budgets: managed_elsewhere",
        "",
        "# The environment of what no path, stack, workspace, tag or name tells one of.",
        "# environment: sandbox",
        "",
    ]
    return "\n".join([*lines, *_environments(seen)]) + "\n"


def _environments(seen: Survey) -> Iterator[str]:
    known = [name for name in bundled_parameters().environments if name in {**seen.environments, **seen.var_files}]
    top = "" if seen.var_files else "# "
    yield "# Environments are told by words in names, such as prod; paths, stacks and tags make it certain."
    yield f"{top}environments:"
    for name in known or ["production"]:
        files = seen.var_files.get(name)
        own = "" if files else "# "
        yield f"{own}  {name}:"
        if files:
            yield f"    var_files: {_listed(files)} # each root module is scanned with its own"
        paths = seen.environments.get(name, [] if files else ["live"])
        if paths:
            yield f"#     paths: {_listed(paths)}"


def _listed(texts: Sequence[str]) -> str:
    quoted = (f'"{_escaped(text)}"' for text in texts)
    return f"[{', '.join(quoted)}]"


def _escaped(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in plain)


def hook_entry() -> str:
    """Write the entry of a pre-commit configuration: a hook that installs this version of mlguard."""
    return f"""\
  - repo: local
    hooks:
      - id: mlguard
        name: mlguard (projects of the changed files)
        entry: mlguard hook
        language: python
        additional_dependencies: ["mlguard-iac=={__version__}"]
        files: {_FILES}
        require_serial: true
"""


def _workflow(seen: Survey) -> str:
    synthesis = [
        f"      # - run: npx cdk synth # in {app or 'the top folder'}: its cloud assembly is what is scanned"
        for app in sorted(seen.apps)
        if app.isprintable()
    ]
    lines = [
        "name: mlguard",
        "on:",
        "  pull_request:",
        "permissions: {}",
        "jobs:",
        "  mlguard:",
        "    name: mlguard",
        "    runs-on: ubuntu-latest",
        "    permissions:",
        "      contents: read",
        "    steps:",
        f"      - uses: {_CHECKOUT}",
        "        with:",
        "          persist-credentials: false",
        f"      - uses: {_PYTHON}",
        "        with:",
        '          python-version: "3.12"',
        *synthesis,
        f"      - run: python -m pip install mlguard-iac=={__version__}",
        "      - run: mlguard scan --no-progress --format github .",
    ]
    return "\n".join(lines) + "\n"
