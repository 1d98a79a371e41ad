#!/bin/bash
# Run a command with PostgreSQL installed; install it with apt-get if it is missing. The tests start their own server.
# usage: infra/postgres.sh COMMAND ...
set -euo pipefail
[ $# -gt 0 ] || { sed -n '3s/^# //p' "$0" >&2; exit 2; }

# Debian keeps all but the client out of PATH.
there() { command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
if ! there; then
  echo "installing PostgreSQL with apt-get" >&2
  { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; } >&2 || true
  there || { echo "no PostgreSQL: it is not installed and cannot be (it takes root, apt-get and Debian's package" \
    "postgresql); the tests were not run against it" >&2; exit 1; }
fi
exec "$@"
