# Puts the job summary of mlguard into one comment on the pull request, which later runs update.
# A token that may not comment, as those of forks, is no error: annotations and job summary are there all the same.
set -euo pipefail

summary="$RUNNER_TEMP/mlguard-reports/summary.md"
body="$RUNNER_TEMP/mlguard-reports/comment.md"
comments="repos/$GITHUB_REPOSITORY/issues/$MLGUARD_PULL_REQUEST/comments"
mark='<!-- mlguard -->'

refused() {
  echo "::notice title=mlguard::no comment: the token may not write to this pull request; see the job summary"
  exit 0
}

[[ -s $summary ]] || exit 0
{
  echo "$mark"
  cat "$summary"
} >"$body"

# only a comment of a bot is replaced: anyone can write one that begins with the mark
mine=".[] | select(.user.type == \"Bot\" and (.body | startswith(\"$mark\"))) | .id"
found=$(gh api --paginate "$comments?per_page=100" --jq "$mine") || refused
id=${found%%$'\n'*}
if [[ -n $id ]]; then
  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field body=@"$body" || refused
elif [[ ${MLGUARD_FINDINGS:-0} != 0 ]]; then
  gh api --silent --method POST "$comments" --field body=@"$body" || refused
fi
