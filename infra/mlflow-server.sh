#!/usr/bin/env bash
# An MLflow server for a team: its database here or in PostgreSQL, its files under the team's root.
#
#   infra/mlflow-server.sh s3://bucket/team                              database in ~/.local/share/rayfill, on http://127.0.0.1:5000
#   MLFLOW_BACKEND_STORE_URI=postgresql://user@db/mlflow infra/mlflow-server.sh s3://bucket/team --host 0.0.0.0 --port 5000
#
# Then, wherever rayfill is used:  export MLFLOW_TRACKING_URI=http://127.0.0.1:5000
# The server reaches the bucket with its own AWS_* variables; its clients need none for MLflow's files. A password of
# the database belongs into ~/.pgpass, not into the URL, which every process of the machine can read.
set -euo pipefail
root=${1:?give the root, such as s3://bucket/team}
shift
here=$(cd "$(dirname "$0")/.." && pwd)
# MLflow's job runner and its seven helper processes are for language models: 1.75 GB that nothing here uses.
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
if [ -n "${AWS_ENDPOINT_URL:-}" ]; then export MLFLOW_S3_ENDPOINT_URL="$AWS_ENDPOINT_URL"; fi
# Absolute: a relative file would be another one, and empty, when the server is started from another folder.
data="${XDG_DATA_HOME:-$HOME/.local/share}/rayfill"
mkdir -p "$data"
exec "$here/.venv/bin/mlflow" server --backend-store-uri "${MLFLOW_BACKEND_STORE_URI:-sqlite:///$data/mlflow.db}" \
  --artifacts-destination "${root%/}/mlflow-artifacts" --host 127.0.0.1 --port 5000 "$@"
