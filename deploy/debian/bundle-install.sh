#!/bin/sh
# Installs Darban from a bundle, without a network: as root, `./install.sh` in the bundle. Where Darban
# is installed, `/usr/lib/darban/install-bundle DIRECTORY` is the same, for a bundle that is unpacked
# there: who changes a bundle can change its install.sh, and this one checks before it runs anything.
#
# Where /etc/darban-release.gpg has a key (gpg --export KEY), the bundle must be signed with it. An
# older version than the installed one is installed only with --allow-downgrades.
set -eu
umask 022

KEYS=/etc/darban-release.gpg

say() { printf '%s\n' "$*"; }
fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

# ---- Whether the bundle is as it was made ----

has_signature() {
  if command -v gpgv >/dev/null; then
    gpgv --keyring "$KEYS" SHA256SUMS.asc SHA256SUMS
  else
    sqv --keyring "$KEYS" --signature-file SHA256SUMS.asc SHA256SUMS
  fi
}

check_signature() {
  if [ ! -e "$KEYS" ]; then
    say "There is no key in $KEYS: the bundle's own sums are checked, and not who has made it."
    return
  fi
  [ -e SHA256SUMS.asc ] || fail "this bundle is not signed, and $KEYS has a key"
  has_signature || fail "no key in $KEYS has signed this bundle"
}

check_files() {
  sha256sum --check --quiet --strict SHA256SUMS || fail "a file is not as it was packed"
  listed=$(sed 's/^[0-9a-f]*  //' SHA256SUMS | LC_ALL=C sort)
  found=$(find . ! -type d ! -path ./SHA256SUMS ! -path ./SHA256SUMS.asc | LC_ALL=C sort)
  [ "$listed" = "$found" ] || fail "there are files that were not packed"
}

# ---- Which versions ----

version_of() { dpkg-deb --field packages/"$1"_*.deb Version; }

# shellcheck disable=SC2016 # dpkg-query expands it
installed() { # package
  dpkg-query --show --showformat='${db:Status-Status} ${Version}' "$1" 2>/dev/null |
    sed -n 's/^installed //p'
}

is_older() { # package
  [ -n "$(installed "$1")" ] && dpkg --compare-versions "$(version_of "$1")" lt "$(installed "$1")"
}

# Set wanted to what apt is to install.
choose() {
  wanted=darban=$(version_of darban)
  if is_older darban; then
    [ -n "$downgrades" ] || fail "the bundle has darban $(version_of darban), and $(installed darban)" \
      "is installed; to go back, add --allow-downgrades"
    wanted="$wanted darban-lists=$(version_of darban-lists)"
  elif is_older darban-lists; then
    say "darban-lists $(installed darban-lists) stays: the bundle has $(version_of darban-lists)."
  fi
}

# ---- The command ----

downgrades=
if [ "${1:-}" = --allow-downgrades ]; then
  downgrades=$1
  shift
fi
[ "$(id -u)" = 0 ] || fail "run it as root"
bundle=$(cd "${1:-$(dirname "$0")}" && pwd)
[ -e "$bundle/SHA256SUMS" ] || fail "$bundle has no SHA256SUMS; expected the directory of a bundle"

# What is checked is a copy that no other user can change. apt knows of this directory alone, and
# keeps nothing of it.
work=$(mktemp --directory --tmpdir=/var/tmp)
trap 'rm -rf "$work"' EXIT
cp -R "$bundle" "$work/bundle"
cd "$work/bundle"
check_signature
check_files
# shellcheck source=/dev/null
. /etc/os-release
release=${VERSION_CODENAME:-}
[ -e "$release/Packages" ] || fail "this is for Debian 12 and 13, and not for ${PRETTY_NAME:-this system}"
choose

mkdir -p "$work/lists/partial" "$work/archives/partial"
echo "deb [trusted=yes] file:$work/bundle $release/" >"$work/sources.list"
apt() {
  apt-get --quiet=2 -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work" -o APT::Sandbox::User=root "$@"
}
apt update
# shellcheck disable=SC2086 # these are several words
DEBIAN_FRONTEND=noninteractive apt install --yes --no-install-recommends $downgrades $wanted
