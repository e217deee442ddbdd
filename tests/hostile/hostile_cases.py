"""A deterministic generator of hostile and broken files, each with the class of outcome that it must have.

SCAN: read, its own mistake is found. DEGRADE: read, the hostile value is unknown, the rest is judged. DIAG and LIMIT:
a problem that names the file. SKIP: not infrastructure code. REFUSE: nothing is scanned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

DEAR = "ml.p4d.24xlarge"
TYPE = "AWS::SageMaker::NotebookInstance"
Content = str | bytes


@dataclass(frozen=True, slots=True)
class Case:
    """Files below `hostile/`, the class of outcome, and what the output must hold besides."""

    name: str
    outcome: str
    files: dict[str, Content]
    says: str = ""
    links: dict[str, str] = field(default_factory=dict)
    pipes: tuple[str, ...] = ()
    at_root: bool = False


def notebook(value: str, more: str = "") -> str:
    """Give a Terraform notebook."""
    return f'resource "aws_sagemaker_notebook_instance" "hostile" {{\n  instance_type = {value}\n{more}}}\n'


def template(value: str = DEAR, head: str = "", tail: str = "") -> str:
    """Give a template with a notebook."""
    return f"{head}Resources:\n  Hostile:\n    Type: {TYPE}\n    Properties:\n      InstanceType: {value}\n{tail}"


def _locals(count: int, first: str, step: str) -> str:
    lines = [f"  l{n} = {step.replace('BEFORE', f'local.l{n - 1}')}\n" for n in range(1, count)]
    return "locals {\n  l0 = " + first + "\n" + "".join(lines) + "}\n"


def _yaml() -> Iterator[Case]:
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    merges = "m0: &m0 {a: 1}\n" + "".join(
        f"m{n}: &m{n} {{" + ", ".join(f"k{k}: {{<<: *m{n - 1}}}" for k in range(9)) + "}\n" for n in range(1, 20)
    )
    duplicate = template(tail="      InstanceType: ml.t3.medium\n")
    texts: dict[str, tuple[str, Content]] = {
        "alias bomb": ("LIMIT", laughs + template()),
        "merge bomb": ("LIMIT", merges + template()),
        "cycle": ("DIAG", "a: &a [*a]\n" + template()),
        "duplicate key": ("DIAG", duplicate),
        "duplicate by alias": ("DIAG", template(tail="      *k : ml.t3.medium\n").replace("Inst", "&k Inst", 1)),
        "python tag": ("DIAG", "x: !!python/object/apply:os.system ['touch pwned']\n" + template()),
        "deep flow": ("LIMIT", template() + "x: " + "[" * 100_000),
        "deep block": ("LIMIT", template() + "x:\n" + "".join(" " * n + "- \n" for n in range(1, 400))),
        "depth that must scan": ("SCAN", template() + "x: " + "[" * 90 + "]" * 90 + "\n"),
        "many documents": ("LIMIT", template() + "--- x\n" * 500),
        "many short documents": ("SCAN", template() + "--- x\n" * 20),
        "utf-16": ("SCAN", template().encode("utf-16")),
        "bom": ("SCAN", b"\xef\xbb\xbf" + template().encode()),
        "latin-1": ("DIAG", template().encode() + "# é\n".encode("latin-1")),
        "nul": ("DIAG", template().encode() + b"#\0\n"),
        "crlf": ("SCAN", template().replace("\n", "\r\n")),
        "lone cr": ("SCAN", template().replace("\n", "\r")),
        "control character": ("DIAG", template() + "x: '\x1b[2J'\n"),
        "long scalar": ("SCAN", template() + "x: '" + "y" * 3_000_000 + "'\n"),
        "numbers and dates": ("SCAN", template() + "x: [2001-99-99, 1:99:99, 0b2, 0o9, .inf, " + "9" * 5000 + "]\n"),
        "odd keys": ("DIAG", template() + "? [a]\n: b\n"),
        "null keys": ("SCAN", template() + "~: b\n1: c\ntrue: d\n"),
        "jinja": ("DIAG", template() + "{% for x in y %}\nz: {{ x }}\n"),
        "lfs": ("DIAG", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
        "git-crypt": ("DIAG", b"\0GITCRYPT\0" + b"\x01" * 50),
        "empty": ("SKIP", ""),
        "only comments": ("SKIP", "# nothing\n"),
        "kubernetes": ("SKIP", "kind: Pod\nspec: {containers: [{name: x}]}\n"),
        "bidirectional": ("SCAN", template() + "x: 'a\u202edcba'\n"),
        "too large": ("LIMIT", template() + "#" * 10_000_001),
    }
    for name, (outcome, text) in texts.items():
        yield Case(f"yaml {name}", outcome, {"t.yaml": text})


def _json() -> Iterator[Case]:
    good = f'"R": 1, "Resources": {{"Hostile": {{"Type": "{TYPE}", "Properties": {{"InstanceType": "{DEAR}"}}}}}}'
    texts = {
        "plain": ("SCAN", f"{{{good}}}"),
        "deep": ("LIMIT", f'{{{good}, "x": ' + "[" * 100_000),
        "duplicate": ("DIAG", f"{{{good}, {good}}}"),
        "huge number": ("SCAN", f'{{{good}, "x": ' + "9" * 100_000 + "}"),
        "nan": ("SCAN", f'{{{good}, "x": NaN}}'),
        "truncated": ("DIAG", f"{{{good}"),
        "concatenated": ("DIAG", f"{{{good}}}{{{good}}}"),
        "lock file": ("SKIP", '{"packages": {' + ", ".join(f'"p{n}": {{"x": 1}}' for n in range(50_000)) + "}}"),
        "surrogate": ("SCAN", f'{{{good}, "x": "\\ud800"}}'),
        "surrogate in a value": ("SCAN", f"{{{good}}}".replace(DEAR, f"{DEAR}\\ud800")),
    }
    for name, (outcome, text) in texts.items():
        yield Case(f"json {name}", outcome, {"t.json": text})


def _shapes() -> Iterator[Case]:
    for section in ("Parameters", "Mappings", "Conditions", "Outputs", "Metadata", "Transform", "Rules"):
        for shape in ("[1, 2]", "text", "{a: [1]}", "{a: {b: [c]}}"):
            if shape in ("[1, 2]", "{a: [1]}") or section == "Parameters":
                yield Case(f"shape {section} {shape}", "SCAN", {"t.yaml": template(head=f"{section}: {shape}\n")})
    version = "AWSTemplateFormatVersion: '2010-09-09'\n"
    for shape in ("[1]", "text", "!Ref X"):
        yield Case(f"shape Resources {shape}", "DIAG", {"t.yaml": f"{version}Resources: {shape}\n"})
    chain = "".join(f"  C{n}: !And [!Condition C{n - 1}, !Condition C{n - 1}]\n" for n in range(1, 60))
    many = "".join(f"  P{n}: {{Type: String, AllowedValues: [a, b]}}\n" for n in range(40))
    yield Case(
        "conditions that double",
        "SCAN",
        {
            "t.yaml": template(head=f"Conditions:\n  C0: !Equals [a, a]\n{chain}").replace(
                "    Prop", "    Condition: C59\n    Prop"
            )
        },
    )
    yield Case(
        "conditions in a circle",
        "SCAN",
        {
            "t.yaml": template(
                "!If [A, ml.p4d.24xlarge, x]", "Conditions:\n  A: !Not [!Condition B]\n  B: !Condition A\n"
            )
        },
    )
    text = "!Join ['', [" + ", ".join(f"!Ref P{n}" for n in range(40)) + "]]"
    yield Case("2^40 scenarios", "DEGRADE", {"t.yaml": template(text, f"Parameters:\n{many}")})
    nested = "!If [A, " * 150 + "x" + ", y]" * 150
    yield Case("nested Ifs", "DEGRADE", {"t.yaml": template(nested, "Conditions: {A: !Equals [a, a]}\n")})
    buckets = ["".join(f"  R{n}: {{Type: AWS::S3::Bucket}}\n" for n in range(count)) for count in (4_999, 200_000)]
    yield Case("5,000 resources", "SCAN", {"t.yaml": template(tail=buckets[0])})
    yield Case("200,000 resources", "LIMIT", {"t.yaml": template(tail=buckets[1])})
    slow = "Parameters:\n  P: {Type: String, AllowedPattern: '^(a|a|aa)*(.|.|.|.|.)*!$'}\n"
    yield Case("slow pattern", "DEGRADE", {"t.yaml": template("!Ref P", slow)})


def _hcl() -> Iterator[Case]:
    good = notebook(f'"{DEAR}"')
    texts: dict[str, tuple[str, Content]] = {
        "a word that is no block": ("DIAG", "a" * 60 + "!\n"),
        "labels that are no block": ("DIAG", "resource " + "a" * 60 + " " + "b" * 60 + "\n!\n"),
        "comment": ("DIAG", good + "/* never closed\n"),
        "text": ("DIAG", good + 'x "y" {\n  a = "never closed\n}\n'),
        "heredoc": ("DIAG", good + 'x "y" {\n  a = <<EOT\n}\n'),
        "fake end": ("SCAN", good + "locals {\n  a = <<-EOT\n    EOTX\n    } EOT\n    EOT\n}\n"),
        "deep list": ("DIAG", good + "locals {\n  a = " + "[" * 5000 + "]" * 5000 + "\n}\n"),
        "deep parentheses": ("SCAN", good + "locals {\n  a = " + "(" * 60 + "1" + ")" * 60 + "\n}\n"),
        "long sum": ("SCAN", good + "locals {\n  a = " + "1 + " * 3000 + "1\n}\n"),
        "long traversal": ("SCAN", good + "locals {\n  a = x" + ".y" * 3000 + "\n}\n"),
        "binary": ("DIAG", good.encode() + bytes(range(128, 256))),
        "nul": ("DIAG", good.encode() + b"\0"),
        "bom": ("SCAN", b"\xef\xbb\xbf" + good.encode()),
        "no labels": ("SCAN", good + "resource {\n}\nmodule {\n}\nvariable {\n}\nprovider {\n}\noutput {}\n"),
        "odd labels": ("DIAG", good + 'resource "aws_s3_bucket" "${x}\\"\\n" {\n}\n'),
        "doubles": ("SCAN", good + 'variable "x" {}\nvariable "x" {}\nlocals { a = 1 }\nlocals { a = 2 }\n'),
        "huge numbers": ("SCAN", good + "locals {\n  a = " + "9" * 5000 + "\n  b = 1e99999\n}\n"),
        "many unclosed": ("DIAG", good + 'x "y" {\n a = <<A1\n}\n' * 20_000),
        "many closing": ("DIAG", good + "}\n" * 50_000),
        "long text": ("SCAN", good + 'locals {\n  a = "' + "x" * 1_000_000 + '"\n}\n'),
        "empty": ("SKIP", ""),
    }
    for name, (outcome, text) in texts.items():
        yield Case(f"hcl {name}", outcome, {"main.tf": text})
    many = {f"f{n}.tf": good.replace('"hostile"', f'"h{n}"') for n in range(20)}
    yield Case("one broken of twenty", "DIAG", {**many, "broken.tf": "x {\n"}, says="h19")
    yield Case("broken tfvars", "DIAG", {"main.tf": good, "terraform.tfvars": "x = = 1\n"}, says="terraform.tfvars")
    yield Case("tfvars of a wrong shape", "DIAG", {"main.tf": good, "terraform.tfvars.json": "[1]"})


def _evaluation() -> Iterator[Case]:
    values = {
        "range": "range(1000000000000)[0]",
        "setproduct": "setproduct(range(9999), range(9999), range(9999))[0][0]",
        "nested for": "[for a in range(9999): [for b in range(9999): a * b]][0][0]",
        "template for": '"%{ for a in range(9999) }%{ for b in range(9999) }x%{ endfor }%{ endfor }"',
        "format width": 'format("%9999999d", 1)',
        "pow": "pow(10, 1000000)",
        "pow of nothing": "pow(0, -1)",
        "log": "log(10, 1)",
        "nan index": '["a"]["nan"]',
        "infinite element": 'element(["a"], "inf")',
        "regex alternatives": 'can(regex("^(a|a)*$", "' + "a" * 60 + 'b")) ? 1 : 2',
        "regex repeats": 'can(regex(".*.*.*.*=", "' + "a" * 9000 + '")) ? 1 : 2',
        "regex group": 'can(regex("(x+x+)+y", "' + "x" * 60 + '")) ? 1 : 2',
        "bcrypt": 'bcrypt("x", 31)',
        "file": 'file("/etc/passwd")',
        "file above": 'file("../../../../../../../../etc/passwd")',
        "device": 'file("/dev/zero")',
        "templatefile": 'templatefile("/proc/self/environ", {})',
        "fileset": 'one(fileset("/", "**"))',
        "surrogate path": 'file("\\ud800x")',
        "deep jsondecode": 'jsondecode("' + "[" * 5000 + '")',
        "python": "\"__import__('os').system('touch pwned')${var.none}\"",
        "itself": "aws_sagemaker_notebook_instance.hostile.instance_type",
        "infinite key": "aws_sagemaker_notebook_instance.hostile[1e999].id",
    }
    for name, value in values.items():
        yield Case(f"evaluate {name}", "DEGRADE", {"main.tf": notebook(value)})
    doublings = {
        "text": ('"x"', '"${BEFORE}${BEFORE}"', "local.l49"),
        "list": ('["a"]', "concat(BEFORE, BEFORE)", "local.l49[0]"),
        "tree": ('["a"]', "[BEFORE, BEFORE]", "jsonencode(local.l49)"),
        "number": ("99999999999", "BEFORE * BEFORE", "local.l49"),
        "mapping": ("{ a = 1 }", "{ a = BEFORE, b = BEFORE }", "jsonencode(local.l49)"),
    }
    for name, (first, step, value) in doublings.items():
        yield Case(f"doubling {name}", "DEGRADE", {"main.tf": _locals(50, first, step) + notebook(value)})
    yield Case("infinite count", "DEGRADE", {"main.tf": notebook("var.none", "  count = 1 / 0\n")})
    yield Case("huge count", "SCAN", {"main.tf": notebook(f'"{DEAR}"', "  count = 1000000000\n")})
    yield Case("long chain", "DEGRADE", {"main.tf": _locals(300, "1", "((BEFORE))") + notebook("local.l299")})
    fan = 'module "a" {\n  source = "../m%d"\n}\nmodule "b" {\n  source = "../m%d"\n}\n'
    fans: dict[str, Content] = {f"m{n}/main.tf": fan % (n + 1, n + 1) for n in range(30)}
    yield Case("modules that fan out", "SCAN", {**fans, "m30/main.tf": "", "own/main.tf": notebook(f'"{DEAR}"')})
    escape = 'module "a" {\n  source = "../../../../etc"\n}\n' + notebook(f'"{DEAR}"')
    yield Case("module that escapes", "SCAN", {"main.tf": escape})
    hooks = 'data "external" "x" {\n  program = ["touch", "pwned"]\n}\n' + notebook(
        f'"{DEAR}"', '  provisioner "local-exec" {\n    command = "touch pwned"\n  }\n'
    )
    yield Case("programs", "SCAN", {"main.tf": hooks})


def _file_system() -> Iterator[Case]:
    good = notebook(f'"{DEAR}"')
    for name in (
        "new\nline.tf",
        "esc\x1b[31m.tf",
        "cr\r::error::x.yaml",
        "%0A::error::.yaml",
        "a,b;c'd\"e.tf",
        "-rf.tf",
        "@x.yaml",
        "\udcff\udcfe.tf",
        "e\u0301.tf",
        "x" * 250 + ".tf",
        "t.YAML",
        "[x]*?.tf",
        "a\\b.tf",
        "$(touch pwned).tf",
        "\u2028.tf",
        "\u202eft.tf",
        "<img src=x onerror=alert(1)>.tf",
        "%s%n{0}.tf",
        "a:12:3.tf",
        "\x7f.tf",
    ):
        content = good if name.endswith(".tf") else template()
        yield Case(f"name {name!r}", "SCAN", {name: content})
    yield Case(
        "link to a secret", "SKIP", {"x/keep.txt": ""}, links={"link.tf": "/etc/passwd", "link.yaml": "/etc/passwd"}
    )
    yield Case("link beside good files", "SCAN", {"main.tf": good}, links={"link.tf": "/etc/passwd"})
    yield Case("link loop", "SKIP", {}, links={"loop": ".", "a.yaml": "b.yaml", "b.yaml": "a.yaml", "up": "/"})
    yield Case("pipes", "SKIP", {"x/keep.txt": ""}, pipes=("p.tf", "p.yaml", "p.json"))
    yield Case("pipe beside good files", "SCAN", {"main.tf": good}, pipes=("p.tf",))
    yield Case("folder named like a file", "SCAN", {"main.tf": good, "x.tf/y.txt": "", "t.yaml/z.txt": ""})
    yield Case("very deep", "SCAN", {"d/" * 200 + "main.tf": good})
    yield Case("5,000 irrelevant files", "SCAN", {"main.tf": good, **{f"n/{n}.json": "{}" for n in range(5000)}})
    assembly = '{"artifacts": {}, "x": "\\"aws:cloudformation:stack\\"", "type": "aws:cloudformation:stack"}'
    yield Case(
        "an assembly that hides", "SCAN", {"manifest.json": assembly, "cdk.out": "", "t.yaml": template()}, at_root=True
    )
    leaving = (
        '{"artifacts": {"a": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "../../etc/passwd"}},'
        '"b": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "/etc"}}}}'
    )
    yield Case("an assembly that leaves", "DIAG", {"out/manifest.json": leaving, "out/cdk.out": ""})
    yield Case(
        "shadowing modules", "SCAN", {"yaml.py": "1/0", "sitecustomize.py": "1/0", "t.yaml": template()}, at_root=True
    )


def _assemblies() -> Iterator[Case]:
    """Give cloud assemblies; each has a stack whose template is good."""
    written = f'{{"Resources": {{"Hostile": {{"Type": "{TYPE}", "Properties": {{"InstanceType": "{DEAR}"}}}}}}}}'
    stack = '{"type": "aws:cloudformation:stack", "properties": {"templateFile": "%s"%s}}'
    stage = '{"type": "cdk:cloud-assembly", "properties": {"directoryName": "%s"}}'
    good = stack % ("t.template.json", "")

    def manifest(*artifacts: str) -> str:
        listed = ", ".join(f'"a{number}": {one}' for number, one in enumerate((good, *artifacts)))
        return f'{{"version": "36.0.0", "artifacts": {{{listed}}}}}'

    escapes = stack % ("t.template.json", ', "stackName": "x\\n::error::\\u001b[2J\\u202e"')
    texts = {
        "that hold themselves": ("DIAG", manifest(stage % ".", stage % "../o")),
        "with a template elsewhere": ("DIAG", manifest(stack % ("/etc/passwd", ""))),
        "with a template of no name": ("DIAG", manifest(stack % ("a\\u0000b", ""), stack % ("\\ud800", ""))),
        "with terminal escapes": ("SCAN", manifest(escapes)),
        "of thousands": ("LIMIT", manifest(*[good] * 5_000)),
        "deep": ("LIMIT", manifest()[:-1] + ', "x": ' + "[" * 100_000),
        "truncated": ("DIAG", manifest()[:-3]),
        "of a wrong shape": ("DIAG", f'{{"version": "36.0.0", "artifacts": [{good}]}}'),
        "of the future": ("DIAG", manifest().replace("36.0.0", "999.0.0")),
        "with links and pipes": ("DIAG", manifest(stack % ("l.json", ""), stack % ("p.json", ""))),
    }
    for name, (outcome, text) in texts.items():
        files: dict[str, Content] = {"o/manifest.json": text, "o/t.template.json": written, "o/cdk.out": ""}
        linked = name == "with links and pipes"
        links, pipes = ({"o/l.json": "/etc/passwd"}, ("o/p.json",)) if linked else ({}, ())
        yield Case(f"assemblies {name}", outcome, files, links=links, pipes=pipes)


def _variable_files() -> Iterator[Case]:
    main = 'variable "t" {}\n' + notebook("var.t")
    texts: dict[str, tuple[str, Content]] = {
        "of a file": ("DEGRADE", 't = file("/etc/passwd")\n'),
        "of themselves": ("DEGRADE", "t = var.t\n"),
        "deep": ("LIMIT", "t = " + "[" * 5_000 + "]" * 5_000 + "\n"),
        "nul": ("DIAG", f't = "{DEAR}"\n\0'),
        "wide": ("LIMIT", f't = "{DEAR}"\n' + "".join(f'v{number} = "x"\n' for number in range(50_000))),
        "heredoc": ("DIAG", "t = <<A\n"),
        "utf-16": ("SCAN", f't = "{DEAR}"\n'.encode("utf-16")),
    }
    for name, (outcome, text) in texts.items():
        yield Case(f"tfvars {name}", outcome, {"main.tf": main, "terraform.tfvars": text})
    yield Case("tfvars that are a link", "DIAG", {"main.tf": main}, links={"terraform.tfvars": "/etc/passwd"})
    yield Case("tfvars that are a pipe", "DIAG", {"main.tf": main}, pipes=("terraform.tfvars",))
    twice = f'{{"t": "ml.t3.medium", "t": "{DEAR}"}}'
    yield Case("tfvars twice in JSON", "DIAG", {"main.tf": main, "terraform.tfvars.json": twice})


def _steering() -> Iterator[Case]:
    texts = {
        "unknown key": "selct: [x]\n",
        "python tag": "select: !!python/object/apply:os.system ['touch pwned']\n",
        "wrong type": "select: {a: b}\n",
        "list": "- a\n",
        "foreign policies": "policies: ['/etc']\n",
        "policies above": "policies: ['../x']\n",
        "policies by address": "policies: ['https://example.com/p']\n",
        "unknown environment": "environment: mars\n",
        "not yaml": "a: [\n",
        "alias bomb": "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)),
    }
    for name, text in texts.items():
        yield Case(f"configuration {name}", "REFUSE", {".mlguard.yaml": text}, at_root=True)
    foreign = {".checkov.yaml": "x: [\n", ".cfnlintrc": "templates: [/etc/passwd]\n", "t.yaml": template()}
    yield Case("configuration of other tools", "SCAN", foreign, at_root=True)  # type: ignore[arg-type]


def _plan(values: str = "", more: str = "", resources: str = "", configuration: str = "{}") -> str:
    """Give a plan with a notebook; `values` follow its instance type, `more` the first keys of the whole."""
    kind = "aws_sagemaker_notebook_instance"
    own = f'{{"address": "{kind}.hostile", "mode": "managed", "type": "{kind}", "name": "hostile", '
    own += f'"values": {{"instance_type": "{DEAR}"{values}}}}}'
    root = f'{{"root_module": {{"resources": [{own}{resources}]}}}}'
    return f'{{"format_version": "1.2"{more},\n"planned_values": {root},\n"configuration": {configuration}}}'


def _plans() -> Iterator[Case]:
    """Give plans, found by what they hold."""
    other = ', {{"address": "{0}", "mode": "managed", "type": "aws_s3_bucket", "name": "{1}", "values": {{}}}}'
    outputs = '{"expression": {"references": ["module.m.a", "module.m.b"]}}'
    used = '{"references": ["module.m.a"]}'
    circle = (
        '{"root_module": {"resources": [{"address": "aws_sagemaker_notebook_instance.hostile", "mode": "managed", '
        f'"expressions": {{"instance_type": {used}, "role_arn": {used}}}}}], "module_calls": '
        f'{{"m": {{"module": {{"outputs": {{"a": {outputs}, "b": {outputs}}}, '
        f'"module_calls": {{"m": {{"module": {{"outputs": {{"a": {outputs}, "b": {outputs}}}}}}}}}}}}}}}}}}}'
    )
    texts: dict[str, tuple[str, Content]] = {
        "plain": ("SCAN", _plan()),
        "deep values": ("LIMIT", _plan(', "x": ' + "[" * 100_000)),
        "deep where nobody looks": ("LIMIT", _plan(more=', "prior_state": ' + "[" * 1_000_000)),
        "truncated": ("DIAG", _plan()[:-3]),
        "truncated where nobody looks": ("DIAG", _plan(more=', "prior_state": {"a": [1, ')),
        "duplicate": ("DIAG", _plan(', "instance_type": "ml.t3.medium"')),
        "huge numbers": ("SCAN", _plan(', "x": ' + "9" * 100_000, ', "prior_state": 1' + "0" * 100_000)),
        "a future version": ("DIAG", _plan().replace('"1.2"', '"3.0"')),
        "a version of words": ("DIAG", _plan().replace('"1.2"', '"latest"')),
        "utf-16": ("SCAN", _plan().encode("utf-16")),
        "latin-1": ("DIAG", _plan(', "x": "é"').encode("latin-1")),
        "terminal escapes": ("SCAN", _plan().replace("hostile", "\\u001b[2J\\u202e::error::x")),
        "addresses without end": (
            "SCAN",
            _plan(resources=other.format("module.a[0]." * 5_000 + "aws_s3_bucket.b", "b")),
        ),
        "addresses that are none": ("SCAN", _plan(resources=other.format("[[[]]].." * 2_000, "b"))),
        "references in a circle": ("SCAN", _plan(', "role_arn": null', configuration=circle)),
        "thousands of resources": (
            "LIMIT",
            _plan(resources="".join(other.format(f"aws_s3_bucket.b{n}", f"b{n}") for n in range(6_000))),
        ),
        "many that do not matter": (
            "SCAN",
            _plan(
                resources="".join(
                    other.format(f"aws_route53_record.r{n}", f"r{n}").replace("aws_s3_bucket", "aws_route53_record")
                    for n in range(20_000)
                )
            ),
        ),
    }
    for name, (outcome, text) in texts.items():
        yield Case(f"plan {name}", outcome, {"plan.json": text})
    escape = 'module "m" {\n  source = "../../../../../etc"\n}\n'
    yield Case("plan beside a module that escapes", "SCAN", {"plan.json": _plan(), "main.tf": notebook("1") + escape})
    yield Case("plan beside broken code", "DIAG", {"plan.json": _plan(), "main.tf": notebook(f'"{DEAR}"') + "x {"})
    yield Case("plan that is a link", "SKIP", {}, links={"plan.json": "/etc/passwd"})


def _growth() -> Iterator[Case]:
    """Give inputs whose parts all look at one another."""
    nested = "  S{n}: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: t{to}.yaml}}}}\n"
    fan: dict[str, Content] = {
        f"t{level}.yaml": "Resources:\n" + "".join(nested.format(n=n, to=level + 1) for n in range(6))
        for level in range(9)
    }
    yield Case("nested stacks that fan out", "LIMIT", {**fan, "t9.yaml": template()})
    own = "".join(nested.format(n=n, to="") for n in range(8))
    yield Case("a stack that nests itself often", "SCAN", {"t.yaml": template(tail=own)})
    notebooks = "".join(
        f"  B{n}: {{Type: AWS::S3::Bucket}}\n"
        f"  N{n}: {{Type: {TYPE}, Properties: {{InstanceType: ml.t3.medium, RoleArn: !GetAtt B{n}.Arn}}}}\n"
        for n in range(1000)
    )
    yield Case("buckets and notebooks", "SCAN", {"t.yaml": template(tail=notebooks)})
    names = range(30)
    head = (
        "Parameters:\n" + "".join(f"  P{n}: {{Type: String}}\n" for n in names)
        + "Conditions:\n" + "".join(f"  C{n}: !Equals [!Ref P{n}, x]\n" for n in names)
    )  # fmt: skip
    tags = ", ".join(f"!If [C{n}, {{Key: a, Value: b}}, !Ref 'AWS::NoValue']" for n in names)
    tail = f"      Tags: [{tags}]\n  B: {{Type: AWS::S3::Bucket}}\n"
    yield Case("thirty conditions in tags", "SCAN", {"t.yaml": template(head=head, tail=tail)})
    shared = "x: &x [" + ", ".join(["{a: b}"] * 2000) + "]\n"
    users = "".join(
        f"  N{n}: {{Type: {TYPE}, Properties: {{InstanceType: ml.t3.medium, Tags: *x}}}}\n" for n in range(80)
    )
    buckets = "  B: {Type: AWS::S3::Bucket}\n  C: {Type: AWS::S3::Bucket}\n"
    yield Case("aliases that are walked", "SCAN", {"t.yaml": template(head=shared, tail=users + buckets)})
    pair = (
        'resource "aws_s3_bucket" "b{n}" {{\n  bucket = "b{n}"\n}}\n'
        'resource "aws_s3_bucket_lifecycle_configuration" "c{n}" {{\n  bucket = aws_s3_bucket.b{n}.id\n'
        '  rule {{\n    status = "Enabled"\n  }}\n}}\n'
    )
    companions = notebook(f'"{DEAR}"') + "".join(pair.format(n=n) for n in range(1000))
    yield Case("companions", "SCAN", {"main.tf": companions})
    thousands = "".join(
        notebook('"ml.t3.medium"', "  count = 1000\n").replace('"hostile"', f'"h{n}"') for n in range(60)
    )
    yield Case("thousands of instances", "LIMIT", {"main.tf": thousands})
    modules = 'module "m" {\n  source = "../%s"\n  count = 900\n}\n'
    yield Case(
        "modules in modules",
        "LIMIT",
        {"a/main.tf": modules % "b", "b/main.tf": modules % "c", "c/main.tf": notebook('"ml.t3.medium"')},
    )
    lock = '{"packages": "' + "x" * 11_000_000 + '"}'
    yield Case("a lock file beyond the limit", "SKIP", {"package-lock.json": lock})


def cases() -> list[Case]:
    """Give every case, always in the same order."""
    makers = (
        _yaml,
        _json,
        _shapes,
        _hcl,
        _evaluation,
        _plans,
        _assemblies,
        _variable_files,
        _file_system,
        _steering,
        _growth,
    )
    return [case for maker in makers for case in maker()]
