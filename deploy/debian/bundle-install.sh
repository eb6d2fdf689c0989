#!/bin/sh
# Installs Darban from this directory, without a network: as root, `./install.sh`.
set -eu

fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "run it as root"
cd "$(dirname "$0")"
sha256sum --check --quiet SHA256SUMS || fail "a file is not as it was packed"
# shellcheck source=/dev/null
. /etc/os-release
release=${VERSION_CODENAME:-}
[ -e "$release/Packages" ] || fail "this is for Debian 12 and 13, and not for ${PRETTY_NAME:-this system}"

# apt knows of this directory alone, and keeps nothing of it.
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial"
ln -s "$PWD" "$work/bundle"  # whose path may have a space
echo "deb [trusted=yes] file:$work/bundle $release/" >"$work/sources.list"
apt() {
  apt-get --quiet=2 -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work" -o APT::Sandbox::User=root "$@"
}
apt update
DEBIAN_FRONTEND=noninteractive apt install --yes --no-install-recommends darban
