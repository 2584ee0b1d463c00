#!/bin/sh
# Installs the release's own redis-server and redis-check-rdb, which the tests and benchmarks run. Does nothing when
# both are there. No service is started and none is left enabled: the tests start their own servers on free ports.
set -eu

if command -v redis-server >/dev/null 2>&1 && command -v redis-check-rdb >/dev/null 2>&1; then
  echo "redis-server is here: $(redis-server --version)"
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "This script needs apt-get. Elsewhere, install redis-server 7.0 or newer and redis-check-rdb by hand." >&2
  exit 1
fi

root=''
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo 'Installing redis-server needs root: run this script as root, or install sudo.' >&2
    exit 1
  fi
  root='sudo'
fi

# Debian starts a service as soon as its package is unpacked, unless this policy forbids it (101).
policy=/usr/sbin/policy-rc.d
shim=''
remove_shim() {
  if [ -n "$shim" ]; then $root rm -f "$policy"; fi
}
trap remove_shim EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ ! -e "$policy" ]; then
  shim=yes
  printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
  $root chmod 755 "$policy"
fi

$root apt-get update -qq
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server redis-tools openssl

# Nor shall it run when that policy let it start, or start with the machine: port 6379 stays free.
if command -v systemctl >/dev/null 2>&1; then
  $root systemctl disable --now redis-server.service >/dev/null 2>&1 || true
fi
redis-server --version
