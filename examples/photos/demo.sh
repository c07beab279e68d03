#!/usr/bin/env bash
# From folders of photographs to predictions. Run it with `make demo-photos`.
set -euo pipefail
cd "$(dirname "$0")"

run() {
  printf '\n\033[1m$ %s\033[0m\n' "$*"
  "$@"
}

# The embedded service keeps running after a command, like a cloud; this demo stops it.
trap 'automl-plan emulator stop >/dev/null' EXIT

run python write_photos.py
run automl-plan datasets lint
run automl-plan apply --auto-approve
run automl-plan models evaluations photos
run automl-plan models evaluations photos --wrong
run automl-plan models predict photos data/photos/test/dahlia data/photos/test/temple --offline --top 1
