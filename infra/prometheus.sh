#!/bin/bash
# Runs a command where promtool and prometheus are in PATH, and unpacks Debian's package into build/ where they are missing.
# usage: infra/prometheus.sh COMMAND ...
set -euo pipefail
[ $# -gt 0 ] || { sed -n '3s/^# //p' "$0" >&2; exit 2; }
home=$(cd "$(dirname "$0")/.." && pwd)/build/prometheus

# Unpacked, not installed: the package would start a server that listens on every address.
if ! command -v promtool >/dev/null && [ ! -x "$home/usr/bin/promtool" ]; then
  mkdir -p "$home"
  { command -v apt-get >/dev/null && { [ "$(id -u)" != 0 ] || apt-get update -qq; } &&
    (cd "$home" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb . && rm -f prometheus_*.deb); } >&2 || true
  [ -x "$home/usr/bin/promtool" ] || { echo "no Prometheus: it is not installed and Debian's package cannot be had; its rules" \
    "were not tested" >&2; exit 1; }
fi
PATH="$PATH:$home/usr/bin" exec "$@"
