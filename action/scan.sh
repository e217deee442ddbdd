# Scans once and writes every report: annotations, job summary, SARIF, and JSON for the outputs of the action.
# Ends with 0 whatever is found, so that later steps can upload and comment; the last step gives the verdict.
set -euo pipefail

bin="$RUNNER_TEMP/mlguard/bin"
[[ -d $bin ]] || bin="$RUNNER_TEMP/mlguard/Scripts"
reports="$RUNNER_TEMP/mlguard-reports"
rm -rf "$reports"
mkdir -p "$reports"

options=(--no-progress)
give() {
  [[ -z $2 ]] || options+=("--$1=$2")
}
or_base() { # what the input says, none for nothing, else the base of the pull request
  local said="${1:-$MLGUARD_BASE}"
  [[ $said == none ]] || printf '%s' "$said"
}
diff_base=$(or_base "$MLGUARD_DIFF_BASE")
give fail-on "$MLGUARD_FAIL_ON"
give min-severity "$MLGUARD_MIN_SEVERITY"
give environment "$MLGUARD_ENVIRONMENT"
give region "$MLGUARD_REGION"
give config "$MLGUARD_CONFIG"
give config-ref "$(or_base "$MLGUARD_CONFIG_REF")"
give diff-base "$diff_base"
give baseline "$MLGUARD_BASELINE"
if [[ -n $diff_base && $MLGUARD_NEW_IGNORES != allow ]]; then
  options+=(--no-new-ignores)
fi
paths=()
while IFS= read -r path; do
  [[ -z $path ]] || paths+=("$path")
done <<<"$MLGUARD_PATH"

code=0
"$bin/mlguard" scan "${options[@]}" \
  --format github --output - \
  --format markdown --output "$reports/summary.md" \
  --format sarif --output "$reports/mlguard.sarif" \
  --format json --output "$reports/report.json" \
  -- ${paths[@]+"${paths[@]}"} 2>"$reports/errors.txt" || code=$?

[[ ! -s $reports/summary.md ]] || cat "$reports/summary.md" >>"$GITHUB_STEP_SUMMARY"
"$bin/python" -I "$MLGUARD_ACTION/action/outcome.py" "$reports" "$code"
