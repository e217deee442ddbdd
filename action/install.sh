# Installs mlguard into an environment of its own: this checkout with its locked requirements, or a version from PyPI.
# The workspace belongs to a stranger: -I keeps Python from importing a pip.py or venv.py that lies there.
set -euo pipefail

if [[ -n $MLGUARD_VERSION && ! $MLGUARD_VERSION =~ ^[0-9][0-9A-Za-z.+!-]*$ ]]; then
  echo "::error title=mlguard::the input version is not a version number"
  exit 2
fi

"$MLGUARD_PYTHON" -I -m venv --clear "$RUNNER_TEMP/mlguard"
bin="$RUNNER_TEMP/mlguard/bin"
[[ -d $bin ]] || bin="$RUNNER_TEMP/mlguard/Scripts"

pip() {
  "$bin/python" -I -m pip install --quiet --disable-pip-version-check "$@"
}
if [[ -n $MLGUARD_VERSION ]]; then
  pip "mlguard-iac==$MLGUARD_VERSION"
else
  pip --require-hashes --requirement "$MLGUARD_ACTION/requirements/build.txt"
  pip --no-deps --no-build-isolation "$MLGUARD_ACTION"
fi
