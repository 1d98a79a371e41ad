#!/usr/bin/env bash
# Draws the secrets of compose.yaml, once: .env for docker compose, client.env for rayfill on this machine; both for their owner alone.
set -euo pipefail
cd "$(dirname "$0")"
umask 077
if [ -e .env ]; then echo "infra/compose/.env is there already; remove it, and the volumes, to start over" >&2; exit 1; fi
draw() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }
# fill: dashboard=${ports.dashboard} mlflow=${ports.mlflow} s3=${ports.s3}
dashboard=8265 mlflow=5000 s3=8333
token=$(draw 32) key=$(draw 10) secret=$(draw 20)
cat > .env <<ENV
RAY_AUTH_TOKEN=$token
AWS_ACCESS_KEY_ID=$key
AWS_SECRET_ACCESS_KEY=$secret
POSTGRES_PASSWORD=$(draw 20)
GRAFANA_PASSWORD=$(draw 12)
ENV
cat > client.env <<ENV
RAY_AUTH_MODE=token
RAY_AUTH_TOKEN=$token
AWS_ACCESS_KEY_ID=$key
AWS_SECRET_ACCESS_KEY=$secret
AWS_DEFAULT_REGION=us-east-1
RAY_ADDRESS=http://127.0.0.1:$dashboard
MLFLOW_TRACKING_URI=http://127.0.0.1:$mlflow
AWS_ENDPOINT_URL=http://127.0.0.1:$s3
ENV
echo "infra/compose/.env and client.env written; set -a; . infra/compose/client.env; set +a" >&2
