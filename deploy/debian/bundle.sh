#!/bin/sh
# Makes one file that a server without Internet installs from: `deploy/debian/bundle.sh DIRECTORY`.
#
# DIRECTORY has the packages of build.sh, and gets darban-VERSION.tar. In it are these, what they
# depend on beyond the smallest Debian 12 and Debian 13, the documents and install.sh. With KEY, the
# name of a key of gpg, the checksums are signed.
set -eu
umask 022

SOURCE=$(cd "$(dirname "$0")/../.." && pwd)
DIRECTORY=$(cd "$1" && pwd)
KEY=${KEY:-}

cd "$DIRECTORY"
program=$(find . -maxdepth 1 -name 'darban_*.deb')
version=${program#*_}
version=${version%_*}
name=darban-$version
rm -rf "$name"
mkdir -p "$name/packages"
cp darban_*.deb darban-import_*.deb darban-lists_*.deb "$name/packages/"

# Fetch what apt would install; nothing is left of the system that it would install it on.
# shellcheck disable=SC2016 # it is the shell of the hook that expands
fetch() { # release
  mkdir "$name/$1"
  mmdebstrap --quiet --variant=minbase --format=null \
    --customize-hook="copy-in $DIRECTORY/$name/packages /tmp" \
    --customize-hook='chroot "$1" apt-get clean' \
    --customize-hook='chroot "$1" sh -c "apt-get --quiet=2 --yes --no-install-recommends --download-only install /tmp/packages/*.deb"' \
    --customize-hook="sync-out /var/cache/apt/archives $DIRECTORY/$name/$1" "$1" /dev/null
  find "$name/$1" -mindepth 1 ! -name '*.deb' -exec rm -rf {} +
  rm -f "$name/$1"/darban*
}

for release in bookworm trixie; do
  fetch "$release"
  (cd "$name" && dpkg-scanpackages --multiversion "$release" && dpkg-scanpackages packages) \
    >"$name/$release.packages" 2>/dev/null
  mv "$name/$release.packages" "$name/$release/Packages"
done
cp "$SOURCE/deploy/debian/bundle-install.sh" "$name/install.sh"
git -C "$SOURCE" ls-files -z -- docs README.md CHANGELOG.md |
  tar --create --directory "$SOURCE" --null --files-from=- | tar --extract --directory "$name"
(cd "$name" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) >"$name.sums"
mv "$name.sums" "$name/SHA256SUMS"
if [ -n "$KEY" ]; then gpg --local-user "$KEY" --armor --detach-sign "$name/SHA256SUMS"; fi
tar --create --file "$name.tar" --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
  --mtime="@${SOURCE_DATE_EPOCH:-$(git -C "$SOURCE" log -1 --format=%ct)}" "$name"
rm -rf "$name"
sha256sum "$name.tar"
