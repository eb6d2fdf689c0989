#!/bin/sh
# Checks the packages of build.sh before a release: `deploy/debian/try.sh DIRECTORY`, as root.
#
# Debian: lintian, piuparts, autopkgtest, mmdebstrap.
set -eu

SOURCE=$(cd "$(dirname "$0")/../.." && pwd)
DIRECTORY=$(cd "$1" && pwd)
BUILDER=$SOURCE/build/debian/builder-$(sha256sum <"$SOURCE/deploy/debian/builder.sh" | cut -c1-12)
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
  # shellcheck disable=SC2016 # it is the inner shell that expands
  unshare --mount sh -eu -c 'mount -t proc proc "$1/proc" && exec autopkgtest --quiet --apt-upgrade \
    --no-built-binaries ./darban_*.deb ./darban-lists_*.deb ./darban_*.dsc -- chroot "$1"' sh "$work/$release"
done

echo "== built from the source package, elsewhere and later: the same octets"
cp ./*.dsc ./*.tar.* "$work/"
for name in darban-lists darban; do
  # shellcheck disable=SC2016 # it is the shell in the builder that expands
  "$SOURCE/deploy/debian/in_builder.sh" "$BUILDER" "$work" sh -c '
    cd /build && dpkg-source --extract "$0"_*.dsc "again-$0" && cd "again-$0" &&
      exec dpkg-buildpackage --build=binary -us -uc' "$name" >"$work/log" 2>&1 ||
    { tail -n 30 "$work/log"; exit 1; }
done
for package in *.deb; do cmp "$package" "$work/$package"; done
echo "All is well."
