#!/bin/sh
# Makes the release that resolver/__init__.py announces with .dev0: `make release`.
#
#   1. It commits the version without .dev0. CHANGELOG.md must have its section by now.
#   2. It builds the wheel, and as root by `make bundle` the packages (PACKAGES=no: none).
#   3. It tags the commit, signed if git has a user.signingkey. The tag has the files' SHA-256.
#   4. It writes the same to RELEASES, and commits that with the version of the next release.
#
# Nothing is pushed. Where a step fails, correct that and run it again: it goes on from there.
set -eu
umask 022

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
PYTHON=${PYTHON:-python3}
PACKAGES=${PACKAGES:-yes}
VERSION_FILE=resolver/__init__.py
WHEEL=build/release
cd "$SOURCE"

say() { printf '%s\n' "$*"; }
fail() { printf 'release: %s\n' "$*" >&2; exit 1; }

version_now() { sed -n 's/^__version__ = "\(.*\)"/\1/p' "$VERSION_FILE"; }

set_version() { # version
  sed -i "s/^__version__ = \".*\"/__version__ = \"$1\"/" "$VERSION_FILE"
}

# Commit edits of this program, or undo them: the next run begins with them.
commit() { # message, files
  git commit --quiet --message "$@" && return
  shift
  git checkout --quiet HEAD -- "$@"
  fail "git commits nothing, for the reason above"
}

is_clean() { [ -z "$(git status --porcelain --untracked-files=no)" ]; }

build() {
  rm -rf "$WHEEL"
  PYTHON=$PYTHON deploy/wheel.sh "$WHEEL"
  [ "$PACKAGES" = no ] || make bundle
}

# The files of the release that were built after its commit, as sha256sum writes them.
hashes() {
  since=$(git log -1 --format=%ct)
  find "$WHEEL/wheel" build/deb -maxdepth 1 -type f \
    \( -name '*.whl' -o -name '*.deb' -o -name '*.tar*' \) -newermt "@$((since - 1))" 2>/dev/null |
    LC_ALL=C sort | while read -r file; do
      (cd "$(dirname "$file")" && sha256sum "$(basename "$file")")
    done
}

put_tag() {
  {
    say "$version  $(git log -1 --format=%cs)  $tag  commit $(git rev-parse HEAD)"
    hashes
  } >"$WHEEL/entry"
  sign=--annotate
  [ -z "$(git config user.signingkey || true)" ] || sign=--sign
  git tag "$sign" --file "$WHEEL/entry" "$tag"
}

# Put the newest release before the others, behind the comments that the file begins with.
note() { # file of the entry
  sed -n '/^#/p' RELEASES >RELEASES.new
  { say; cat "$1"; sed '/^#/d' RELEASES; } >>RELEASES.new
  mv RELEASES.new RELEASES
}

is_clean || fail "there are edits that are not committed"
version=$(version_now)
case $version in
  *.dev0)
    version=${version%.dev0}
    grep -q "^## \[$version\]" CHANGELOG.md || fail "CHANGELOG.md has no section ## [$version]"
    set_version "$version"
    commit "release: $version" "$VERSION_FILE"
    ;;
esac
tag=v$version
if ! git rev-parse --quiet --verify "refs/tags/$tag" >/dev/null; then
  build
  put_tag
fi
[ "$(git rev-parse "$tag^{commit}")" = "$(git rev-parse HEAD)" ] || fail "there is a tag $tag of another commit"

# The tag has the entry, also where an earlier run has made it.
mkdir -p "$WHEEL"
git cat-file tag "$tag" | sed -e '1,/^$/d' -e '/^-----BEGIN/,$d' >"$WHEEL/entry"
note "$WHEEL/entry"
next=$(say "$version" | sed 's/\..*//').$(($(say "$version" | cut -d. -f2) + 1)).0
set_version "$next.dev0"
commit "release: note the hashes of $version, begin $next" RELEASES "$VERSION_FILE"
say "Released $version as tag $tag:"
cat "$WHEEL/entry"
