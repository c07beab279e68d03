#!/usr/bin/env bash
# Installs Chromium and its driver where they are missing. Knows Debian and its like.
set -euo pipefail

if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "Install chromium and chromedriver: the tests in tests/browser need them." >&2
  exit 1
fi
root=()
if [ "$(id -u)" -ne 0 ]; then
  root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${root[@]}" apt-get update -qq
"${root[@]}" apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null
