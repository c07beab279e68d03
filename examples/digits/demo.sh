#!/usr/bin/env bash
# The main job, from the configuration to a served model. Run it with `make demo`.
set -euo pipefail
cd "$(dirname "$0")"

run() {
  printf '\n\033[1m$ %s\033[0m\n' "$*"
  "$@"
}

# The embedded service keeps running after a command, like a cloud; this demo stops it.
trap 'automl-plan emulator stop >/dev/null' EXIT

run python prepare.py
run automl-plan validate
run automl-plan plan
run automl-plan apply --auto-approve
run automl-plan models evaluations digits
run automl-plan plan
