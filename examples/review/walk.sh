#!/usr/bin/env bash
# Makes the plan of a pull request as a pipeline would, and shows it in every form a reviewer
# meets. Writes into the directory that is named, by default work/ beside this file.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$here/work}
mkdir -p "$work"

run() {
  printf '\n\033[1m$ %s\033[0m\n' "$*"
  "$@"
}

python "$here/../lifecycle/write_data.py" "$work"
cd "$work"
# The embedded service goes on after a command, as a cloud would; this walk takes it down.
trap 'automl-plan emulator stop >/dev/null' EXIT

printf '\n# What is on the main branch is applied; worse data was tried, and turned down.\n'
cp "$here/main/automl-plan.yaml" .
run automl-plan apply --auto-approve
run automl-plan apply --auto-approve --var data=mislabelled || printf '(exit code %s)\n' "$?"

printf '\n# The pull request is planned, and shown.\n'
cp "$here/pull-request/automl-plan.yaml" .
run automl-plan plan --out plan.json
automl-plan show plan.json --format markdown > comment.md
printf '\nplan.json, comment.md and page.html are written.\n'
