#!/bin/bash
# A real S3 store on loopback for tests: Ceph's RGW over one monitor and one OSD in memory, gone when the command ends.
# usage: infra/s3-store.sh COMMAND ...
# COMMAND runs with AWS_ENDPOINT_URL and a user's keys. Everything listens on 127.0.0.1 only; the daemons do not authenticate each other.
set -euo pipefail
[ $# -gt 0 ] || { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }

needed=(ceph-mon ceph-osd ceph radosgw radosgw-admin monmaptool)
there() { for tool in "${needed[@]}"; do command -v "$tool" >/dev/null || return 1; done; }
if ! there; then
  echo "installing Ceph's packages with apt-get" >&2
  { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ceph-mon ceph-osd ceph-common radosgw; } >&2 || true
  there || { echo "no S3 store: Ceph is not installed and cannot be (it takes root, apt-get and Debian's packages" \
    "ceph-mon ceph-osd ceph-common radosgw); the tests were not run against it" >&2; exit 1; }
fi

home=$(mktemp -d -t rayfill-ceph-XXXX)
stop() {
  local pids; pids=$(jobs -p)
  [ -z "$pids" ] || kill $pids 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$home"
}
trap stop EXIT
trap 'exit 130' INT TERM
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port) mon_port=$(free_port)
mkdir "$home"/{mon,osd,rgw,run}

cat > "$home/ceph.conf" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = v1:127.0.0.1:$mon_port
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
run dir = $home/run
admin socket = $home/run/\$name.asok
pid file = $home/run/\$name.pid
crash dir = $home/run
log file =
[mon.a]
mon data = $home/mon
mon initial members = a
mon data avail crit = 1
mon cluster log file = /dev/null
[osd.0]
osd data = $home/osd
osd objectstore = memstore
memstore device bytes = 4G
osd crush update on start = false
osd class update on start = false
[client.rgw.a]
rgw data = $home/rgw
rgw frontends = beast endpoint=127.0.0.1:$port
CONF
export CEPH_CONF="$home/ceph.conf"
log="$home/log"

# Wait for a command to succeed; print the daemons' logs if it does not.
until_well() {
  local end=$((SECONDS + 60))
  while [ $SECONDS -lt $end ]; do "$@" >>"$log" 2>&1 && return; sleep 0.1; done
  tail -20 "$log" >&2
  echo "no S3 store: '$*' did not succeed within a minute" >&2
  exit 1
}

monmaptool --create --fsid "$(sed -n 's/^fsid = //p' "$CEPH_CONF")" --addv a "[v1:127.0.0.1:$mon_port]" "$home/monmap" >>"$log"
ceph-mon --id a --mkfs --monmap "$home/monmap" >>"$log" 2>&1
ceph-mon --id a -f >>"$log" 2>&1 &
until_well timeout 5 ceph -s
osd=$(cat /proc/sys/kernel/random/uuid)
ceph osd new "$osd" 0 >>"$log" 2>&1
ceph-osd -i 0 --mkfs --osd-uuid "$osd" >>"$log" 2>&1
ceph osd crush add osd.0 1.0 root=default host=localhost >>"$log" 2>&1
ceph-osd -i 0 -f >>"$log" 2>&1 &
until_well bash -c "ceph osd stat 2>/dev/null | grep -q '1 up'"
radosgw -n client.rgw.a -f >>"$log" 2>&1 &
until_well curl -sf -o /dev/null "http://127.0.0.1:$port/"
key=$(head -c 20 /dev/urandom | sha256sum | cut -c1-20) secret=$(head -c 20 /dev/urandom | sha256sum | cut -c1-40)
until_well radosgw-admin -n client.rgw.a user create --uid=tests --display-name=tests --access-key="$key" --secret-key="$secret"

echo "Ceph RGW $(ceph --version | cut -d' ' -f3) at http://127.0.0.1:$port" >&2
AWS_ENDPOINT_URL="http://127.0.0.1:$port" AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret AWS_DEFAULT_REGION=us-east-1 "$@"
