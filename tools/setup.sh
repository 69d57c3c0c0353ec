#!/usr/bin/env bash
# Installs what is missing to build (setup.sh build), to test (setup.sh test) or to fuzz (setup.sh fuzz) on Debian 12 or
# 13, and says what.
# With sudo where the user is not root. On other systems it says what is needed and goes on.
set -euo pipefail

case "${1:-build}" in
  build) packages=(gcc pkg-config libpcap-dev) ;;
  test)  packages=(iproute2 ethtool bind9 bind9-dnsutils bind9-utils curl chromium caddy unbound dnsmasq-base tcpdump openssl python3 procps util-linux valgrind clang make minisign) ;;
  fuzz)  packages=(gcc g++ pkg-config libpcap-dev) ;;
  *) echo "usage: setup.sh build|test|fuzz" >&2; exit 2 ;;
esac

if ! command -v cargo >/dev/null; then
  echo "stakeout needs Rust: install rustup (Debian: apt-get install rustup && rustup default stable)." >&2
  exit 2
fi
if ! command -v dpkg-query >/dev/null; then
  echo "Not Debian: please make sure that these are installed: ${packages[*]}"
  exit 0
fi
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "Installing missing Debian packages: ${missing[*]}"
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive
# An image without package lists knows no package at all, so they are always brought up to date first.
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
if [ "${1:-build}" != test ]; then
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  # A test that lacks its tool is skipped and says so, so one package that cannot be had must not stop the others.
  for package in "${missing[@]}"; do
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
      echo "Could not install $package: the tests that need it will be skipped."
  done
fi
# Debian's services start by themselves where systemd runs; the tests start their own.
