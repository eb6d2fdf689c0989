#!/bin/sh
# Checks the packages of build.sh before a release: `deploy/debian/try.sh DIRECTORY`, as root.
#
# Debian: lintian, piuparts, autopkgtest, mmdebstrap. The second build is at another time.
set -eu

SOURCE=$(cd "$(dirname "$0")/../.." && pwd)
DIRECTORY=$(cd "$1" && pwd)
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
cd "$DIRECTORY"

echo "== lintian"
lintian --fail-on error,warning --tag-display-limit 0 ./*.deb ./*.dsc

echo "== piuparts: install, remove and purge"
for release in bookworm trixie; do
  mmdebstrap --quiet --variant=minbase --include=adduser "$release" "$work/$release.tar"
  piuparts --basetgz "$work/$release.tar" --distribution "$release" --warn-on-leftovers-after-purge \
    --no-upgrade-test --log-level=error ./darban-lists_*.deb ./darban_*.deb
done

echo "== autopkgtest"
for release in bookworm trixie; do
  mmdebstrap --quiet --variant=minbase "$release" "$work/$release"
  autopkgtest --quiet --no-built-binaries ./darban_*.deb ./darban-lists_*.deb ./darban_*.dsc -- chroot "$work/$release"
done

echo "== a second build gives the same octets"
PYTHON=${PYTHON:-python3} "$SOURCE/deploy/debian/build.sh" "$work/again"
for package in *.deb; do cmp "$package" "$work/again/$package"; done
echo "All is well."
