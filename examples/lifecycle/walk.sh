#!/usr/bin/env bash
# The life of a model, step by step. Run it with `make demo-lifecycle`.
set -euo pipefail
cd "$(dirname "$0")"

run() {
  printf '\n\033[1m$ %s\033[0m\n' "$*"
  "$@"
}

# The embedded service keeps running after a command, like a cloud; this walk stops it.
trap 'automl-plan emulator stop >/dev/null' EXIT
export AUTOML_PLAN_VAR_data=first

run python write_data.py
run automl-plan apply --auto-approve

printf '\n# The data got worse: version 2 is rejected (exit code 3), version 1 keeps serving.\n'
export AUTOML_PLAN_VAR_data=mislabelled
run automl-plan apply --auto-approve || printf '(exit code %s)\n' "$?"
run automl-plan plan

printf '\n# Better data: version 3 serves, version 1 is kept.\n'
export AUTOML_PLAN_VAR_data=more
run automl-plan apply --auto-approve
run automl-plan models versions digits

printf '\n# Roll back, and forward again. No plan undoes it.\n'
run automl-plan models rollback digits --auto-approve --why "a customer complained"
run automl-plan plan
run automl-plan models promote digits 3 --auto-approve --why "it was not the model"

printf '\n# The state is lost, and made anew from the labels on what lives.\n'
rm -r state
run automl-plan state rebuild
run automl-plan plan

printf '\n# 17 months pass: a new version is trained before version 3 expires.\n'
run automl-plan emulator advance 500d
run automl-plan models list
run automl-plan emulator advance 20d
run automl-plan apply --auto-approve
run automl-plan models versions digits
