#!/bin/sh
# Makes the Debian that the packages are built in: as root, `deploy/debian/builder.sh DIRECTORY`.
#
# It is Debian 13, with the Python of Debian 12 beside its own: no one release has both.
set -eu

mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
packages=build-essential,debhelper,dpkg-dev,lintian
packages=$packages,python3,python3-pip-whl,python3.13,libpython3.13-dev,python3.11,libpython3.11-dev
rm -rf "$1.new"
mkdir -p "$(dirname "$1")"
mmdebstrap --quiet --variant=minbase --aptopt='APT::Default-Release "trixie"' --include="$packages" \
  --format=directory trixie "$1.new" "deb $mirror trixie main" "deb $mirror bookworm main"
mkdir "$1.new/build"
mv "$1.new" "$1"
