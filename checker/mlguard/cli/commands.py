"""What each command does: gather what it needs, call the function that does the work, print, give the exit code."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlguard.cli.progress import Progress
from mlguard.configuration import Configuration, find_configuration, read_configuration
from mlguard.errors import UsageError
from mlguard.finding import Report
from mlguard.parse.cloudformation import Given, read_parameter_file, with_environment
from mlguard.policy.load import bundled_policies, load_folder
from mlguard.policy.model import Policy, Severity
from mlguard.render import renderer
from mlguard.render.escape import terminal
from mlguard.render.money import dearest_first, monthly_total
from mlguard.render.totals import in_order, worst_first
from mlguard.scan import Options, Validate, scan
from mlguard.scan.selection import choose, chosen_policies, known_policies, named_environment, rates_of
from mlguard.source import Root
from mlguard.source.root import root_of

if TYPE_CHECKING:
    from mlguard.parse.terraform import Variables

Run = Callable[[], int]
_CLEAN, _FINDINGS, _UNTRUSTED, _NOTHING = 0, 1, 2, 3
_SORTS = {"place": in_order, "severity": worst_first, "exposure": dearest_first}


def complain(message: str) -> int:
    """Tell the user what went wrong, and give the exit code for a run that cannot be trusted."""
    print(f"mlguard: {terminal(message, 0)}", file=sys.stderr)  # noqa: T201  (the command line speaks)
    return _UNTRUSTED


def say(text: str) -> None:
    """Write to standard output, whatever its encoding can hold."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def scan_command(options: argparse.Namespace) -> int:
    """`mlguard scan`."""
    plans = [Path(path) for path in options.plan]
    paths = [Path(path) for path in options.paths] or ([] if plans else [Path()])
    missing = [path for path in (*paths, *plans) if not os.path.lexists(path)]
    if missing:
        raise UsageError(f"there is no file or folder {missing[0]}")
    root = Root(root_of(paths or plans))
    render = renderer(options.format)
    configuration = _configuration(options, root)
    report = _scan(options, root, configuration, tuple(_relative(root, path) for path in paths), None)
    _write(_rendered(render, report, options), options.output)
    return _exit_code(report, options, configuration)


def hook(names: Sequence[str]) -> int:
    """`mlguard hook FILE…`: check the projects of the changed files; quiet when none of them is infrastructure code."""
    files = [Path(name) for name in names if os.path.lexists(name)]
    root = Root(root_of([Path()]))
    changed = frozenset(_relative(root, path) for path in files)
    options = argparse.Namespace(
        select=[], ignore=[], plan=[], environment="", region="", var=[], var_file=[], env_vars=False, parameters=[],
        parameter=[], config=None, no_config=False, policies=[], fail_on=None, fail_on_exposure=None, sort="place",
        unknown="pass", format="text", output=None, validate=False, verbose=False, no_progress=True,
    )  # fmt: skip
    configuration = _configuration(options, root)
    report = _scan(options, root, configuration, ("",), changed) if changed else None
    if report is None or not (report.counts.projects or report.problems):
        return _CLEAN
    code = _exit_code(report, options, configuration)
    if code not in (_CLEAN, _NOTHING):
        say(_rendered(renderer("text"), report, options))
    return _CLEAN if code == _NOTHING else code


def _scan(
    options: argparse.Namespace,
    root: Root,
    configuration: Configuration,
    paths: tuple[str, ...],
    only: frozenset[str] | None,
) -> Report:
    known = _known(options, configuration, root)
    progress = Progress(enabled=not options.no_progress and sys.stderr.isatty())
    try:
        report = scan(
            Options(
                root=root,
                paths=paths,
                plans=tuple(_relative(root, Path(path), outside=True) for path in options.plan),
                policies=_chosen(known, options, configuration),
                known=known,
                configuration=configuration,
                environment=named_environment(options.environment, configuration),
                region=options.region,
                variables=_variables(options, root),
                rates=rates_of(configuration, root),
                given=_given(options, root),
                only=only,
                validate=_validation(options),
                tick=progress.tick,
            )
        )
        return replace(report, display_prefix=_display_prefix(root))
    finally:
        progress.close()


def _validation(options: argparse.Namespace) -> Validate | None:
    if not options.validate:
        return None
    from mlguard.validate import template_errors  # noqa: PLC0415  (for cfn-lint, which few runs need)

    return template_errors


def _configuration(options: argparse.Namespace, root: Root) -> Configuration:
    if options.no_config:
        return Configuration()
    if options.config is None:
        return find_configuration(root)
    path = Path(options.config)
    return read_configuration(Root(Path(os.path.abspath(path)).parent), path.name)  # noqa: PTH100


def _known(options: argparse.Namespace, configuration: Configuration, root: Root) -> tuple[Policy, ...]:
    return known_policies(root, configuration, _own_policies(options.policies))


def _chosen(
    policies: Sequence[Policy], options: argparse.Namespace, configuration: Configuration
) -> tuple[Policy, ...]:
    return chosen_policies(policies, configuration, options.select, options.ignore)


def _own_policies(folders: Sequence[str]) -> list[Policy]:
    own: list[Policy] = []
    for folder in folders:
        if not Path(folder).is_dir():
            raise UsageError(f"there is no policy folder {folder}")
        own.extend(load_folder(Path(folder), folder, own))
    return own


def _display_prefix(root: Root) -> str:
    """Give what leads from where the user stands to the root, so that the paths shown can be opened from there."""
    here = Path.cwd()
    if root.folder == here:
        return ""
    if root.folder in here.parents:
        return "../" * (len(here.parts) - len(root.folder.parts))
    return f"{root.folder.as_posix()}/"


def _variables(options: argparse.Namespace, root: Root) -> Variables | None:
    if not (options.var or options.var_file or options.env_vars):
        return None
    from mlguard.parse.terraform import Variables  # noqa: PLC0415  (not for a template)

    values = {}
    for written in options.var:
        name, equals, value = written.partition("=")
        if not equals:
            raise UsageError(f'--var takes NAME=VALUE, not "{written}"')
        values[name] = value
    files = tuple(_relative(root, Path(path)) for path in options.var_file)
    process = {}
    if options.env_vars:
        process = {
            name.removeprefix("TF_VAR_"): text for name, text in os.environ.items() if name.startswith("TF_VAR_")
        }
    workspace = os.environ.get("TF_WORKSPACE", "") if options.env_vars else ""
    return Variables(files, values=values, process=process, workspace=workspace)


def _given(options: argparse.Namespace, root: Root) -> Given:
    """Read what `--parameters` and `--parameter` say of the deployment of templates."""
    files = []
    for written in options.parameters:
        name, environment = with_environment(written)
        files.append(read_parameter_file(root, _relative(root, Path(name)), environment))
    values = {}
    for written in options.parameter:
        name, equals, value = written.partition("=")
        if not equals or not name:
            raise UsageError(f'--parameter takes NAME=VALUE, not "{written}"')
        values[name] = value
    return Given(tuple(files), values)


def _relative(root: Root, path: Path, *, outside: bool = False) -> str:
    relative = os.path.relpath(os.path.abspath(path), root.folder).replace(os.sep, "/")  # noqa: PTH100
    if relative == ".":
        return ""
    if relative.startswith("../") and not outside:
        raise UsageError(f"{path} is outside of {root.folder}")
    return relative


def _rendered(render: Callable[..., str], report: Report, options: argparse.Namespace) -> str:
    if options.format != "text":
        return render(report)
    color = "NO_COLOR" not in os.environ and options.output is None
    color = color and (sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR")))
    width = shutil.get_terminal_size((100, 24)).columns
    return render(report, color=color, width=width, verbose=options.verbose, sort=_SORTS[options.sort])


def _write(text: str, output: str | None) -> None:
    if output is None:
        say(text)
        return
    target = Path(output)
    try:  # a report is replaced as a whole, so that a full disk leaves the old one
        import tempfile  # noqa: PLC0415  (few reports go to a file)

        with tempfile.NamedTemporaryFile("w", dir=target.parent, encoding="utf-8", delete=False, newline="\n") as file:
            file.write(text)
        os.replace(file.name, target)  # noqa: PTH105  (one call for every platform)
    except OSError as error:
        with contextlib.suppress(OSError, UnboundLocalError):
            Path(file.name).unlink()
        raise UsageError(f"cannot write {output}: {os.strerror(error.errno or 0)}") from None


def _exit_code(report: Report, options: argparse.Namespace, configuration: Configuration) -> int:
    if report.problems:
        return _UNTRUSTED
    if not report.counts.projects:
        return _NOTHING
    level = options.fail_on or configuration.fail_on.label
    counted = (
        () if level == "never" else tuple(one for one in report.counted() if one.severity >= Severity.named(level))
    )
    too_dear = options.fail_on_exposure is not None and monthly_total(report).low >= options.fail_on_exposure
    if counted or too_dear or (options.unknown == "fail" and report.undecided):
        return _FINDINGS
    return _CLEAN


def policies_command(options: argparse.Namespace) -> int:
    """`mlguard policies`."""
    from mlguard.explain import policy_list  # noqa: PLC0415  (only this command needs it)

    say(policy_list([*bundled_policies(), *_own_policies(options.policies)], options.format))
    return _CLEAN


def explain_command(options: argparse.Namespace) -> int:
    """`mlguard explain ID`."""
    from mlguard.explain import policy_page, with_examples  # noqa: PLC0415

    policies = [*bundled_policies(), *_own_policies(options.policies)]
    chosen = choose(policies, [options.policy], [])
    say("\n".join(policy_page(with_examples(policy)) for policy in chosen))
    return _CLEAN


def new_command(options: argparse.Namespace) -> int:
    """`mlguard new PACK/ID`."""
    from mlguard.authoring import write_skeleton  # noqa: PLC0415

    say(f"{write_skeleton(options.name, Path(options.policies))}\n")
    return _CLEAN


def test_command(options: argparse.Namespace) -> int:
    """`mlguard test [POLICY…]`."""
    from mlguard.authoring import test_policies  # noqa: PLC0415

    text, failed = test_policies(options.names, options.policies)
    say(text)
    return _FINDINGS if failed else _CLEAN


def scp_generate_command(options: argparse.Namespace) -> int:
    """`mlguard scp generate`."""
    from mlguard.cli.scp import generate_documents, policies_of_findings  # noqa: PLC0415

    if os.environ.get("GITHUB_EVENT_NAME", "").startswith("pull_request") and not (options.config or options.no_config):
        raise UsageError(
            "a pull request may have written the configuration: name a trusted one by --config, or use --no-config"
        )
    root = Root(root_of([Path()]))
    configuration = _configuration(options, root)
    environments = list(configuration.parameters.environments)
    if options.environment not in ("", "all"):
        environments = [named_environment(options.environment, configuration)]
    policies = _chosen(_known(options, configuration, root), options, configuration)
    if options.from_findings:
        chosen, notes = policies_of_findings(Path(options.from_findings), policies)
        policies = tuple(chosen)
        for note in notes.splitlines():
            print(f"mlguard: {terminal(note, 0)}", file=sys.stderr)  # noqa: T201  (the documents go to standard output)
    say(generate_documents(policies, configuration, environments, options))
    return _CLEAN


def scp_check_command(options: argparse.Namespace) -> int:
    """`mlguard scp check FILE…`."""
    from mlguard.cli.scp import checked  # noqa: PLC0415
    from mlguard.inspection import inspect  # noqa: PLC0415

    paths = [Path(path) for path in options.files]
    missing = [path for path in paths if not os.path.lexists(path)]
    if missing:
        raise UsageError(f"there is no file or folder {missing[0]}")
    root = Root(root_of(paths))
    relative = [_relative(root, path) for path in paths]
    inspected = inspect(root, relative, max_chars=options.max_chars, slots=options.slots)
    say(checked(inspected, options.format, _display_prefix(root)))
    if inspected.problems:
        return _UNTRUSTED
    if not inspected.scps:
        return _NOTHING
    return _FINDINGS if any(fault.severity == "error" for fault in inspected.faults) else _CLEAN


def scp_impact_command(options: argparse.Namespace) -> int:
    """`mlguard scp impact [PATH…]`."""
    from mlguard.cli.scp import rehearsed  # noqa: PLC0415
    from mlguard.rehearsal import Deployer, Documents, rehearse  # noqa: PLC0415
    from mlguard.scp.decide import DEVELOPER  # noqa: PLC0415

    paths = [Path(path) for path in options.paths] or [Path()]
    missing = [path for path in (*paths, *map(Path, options.scp)) if not os.path.lexists(path)]
    if missing:
        raise UsageError(f"there is no file or folder {missing[0]}")
    root = Root(root_of(paths))
    configuration = _configuration(options, root)
    policies = _chosen(_known(options, configuration, root), options, configuration)
    scan_options = Options(
        root=root,
        paths=tuple(_relative(root, path) for path in paths),
        policies=policies,
        configuration=configuration,
        environment=named_environment(options.environment, configuration),
        region=options.region,
        variables=_variables(options, root),
    )
    given = [(name, Root(Path(name).absolute().parent).read(Path(name).name).text) for name in options.scp]
    deployer = Deployer(options.principal or DEVELOPER, options.account)
    outcome = rehearse(scan_options, Documents(policies, configuration, given), deployer)
    say(rehearsed(outcome, options.format, _display_prefix(root), verbose=options.verbose))
    if outcome.problems:
        return _UNTRUSTED
    if not outcome.resources:
        return _NOTHING
    return _FINDINGS if outcome.denied else _CLEAN


def scp_diff_command(options: argparse.Namespace) -> int:
    """`mlguard scp diff OLD NEW`."""
    from mlguard.cli.scp import scps_at  # noqa: PLC0415
    from mlguard.guardrail.difference import compare, difference_as_json, difference_as_text  # noqa: PLC0415

    difference = compare(scps_at(Path(options.old)), scps_at(Path(options.new)))
    say(difference_as_json(difference) if options.format == "json" else difference_as_text(difference))
    return _FINDINGS if difference.weakened and not options.accept_weakening else _CLEAN


def prices_show_command(options: argparse.Namespace) -> int:
    """`mlguard prices show TYPE`."""
    from mlguard.cli.prices import explained  # noqa: PLC0415

    root = Root(root_of([Path()]))
    configuration = _configuration(options, root)
    region = options.region or configuration.region_of("", "")
    say(explained(options.type, region, rates_of(configuration, root)))
    return _CLEAN


def prices_import_command(options: argparse.Namespace) -> int:
    """`mlguard prices import FILE`."""
    from mlguard.cli.prices import imported  # noqa: PLC0415

    _write(imported(Path(options.file)), options.to)
    say(f"{options.to} is written; name it in .mlguard.yaml: prices: {options.to}\n")
    return _CLEAN
