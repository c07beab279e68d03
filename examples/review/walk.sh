#!/usr/bin/env bash
# Makes the plan of a pull request as a pipeline would, in a repository of its own, and shows it in
# each form that a reviewer meets. Writes into the directory that is named, by default work/.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$here/work}
mkdir -p "$work"

run() {
  printf '\n\033[1m$ %s\033[0m\n' "$*"
  "$@"
}

commit() {
  git add automl-plan.yaml
  git -c user.name=team -c user.email=team@example.com commit --quiet --message "$1"
}

python "$here/../lifecycle/write_data.py" "$work"
cd "$work"
git init --quiet
# The embedded service keeps running after a command, like a cloud; this walk stops it.
trap 'automl-plan emulator stop >/dev/null' EXIT

printf '\n# What is on the main branch is applied; worse data was tried and rejected.\n'
cp "$here/main/automl-plan.yaml" .
commit "What serves"
run automl-plan apply --auto-approve
run automl-plan apply --auto-approve --var data=mislabelled || printf '(exit code %s)\n' "$?"

printf '\n# The pull request is planned, and shown.\n'
cp "$here/pull-request/automl-plan.yaml" .
commit "Better digits, no more parity"
run automl-plan plan --out plan.json
# What a pipeline on GitHub sets: it is what the links to lines are made of.
export GITHUB_ACTIONS=true GITHUB_SERVER_URL=https://github.com GITHUB_REPOSITORY=example/models
automl-plan show plan.json --format markdown > comment.md
automl-plan show plan.json --format html > page.html
printf '\nplan.json, comment.md and page.html are in %s.\n' "$work"
