#!/bin/sh
# Makes the release that resolver/__init__.py announces with .dev0: `make release`.
#
#   1. It commits the version without .dev0. CHANGELOG.md must have its section by now.
#   2. It builds the wheels, and as root the packages and the bundle (PACKAGES=no: none), in a fresh
#      clone of the commit. Nothing of this working tree is used. The packages are built in a Debian
#      that is made for this release.
#   3. It builds all again in another clone: at another path, with another umask and with files of
#      another time. Where one octet differs, it ends here, and keeps both clones.
#   4. It tags the commit, signed if git has a user.signingkey. The tag has the files' SHA-256, and
#      the versions of the tools.
#   5. It writes the same to RELEASES, and commits that with the version of the next release.
#
# Nothing is pushed. Where a step fails, correct that and run it again: it goes on from there.
set -eu
umask 022

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
PYTHON=${PYTHON:-python3}
PACKAGES=${PACKAGES:-yes}
VERSION_FILE=resolver/__init__.py
BUILT=build/release
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

# ---- What is built, twice ----

# Make a clone of the commit, and build everything in it.
build_in() { # directory
  git clone --quiet --no-hardlinks "$SOURCE" "$1"
  git -C "$1" checkout --quiet --detach "$commit"
  [ -z "$file_time" ] || find "$1" -path "$1/.git" -prune -o -exec touch --date="$file_time" {} +
  (
    cd "$1"
    PYTHON=$PYTHON deploy/wheel.sh build/wheel
    PYTHON=$PYTHON deploy/import_wheel.sh build/wheel
    [ "$PACKAGES" = no ] || {
      PYTHON=$PYTHON BUILDER=$BUILDER deploy/debian/build.sh build/deb
      deploy/debian/bundle.sh build/deb
    }
  )
}

# The files of a release that were built in a clone, as sha256sum writes them.
hashes() { # directory of the clone
  find "$1/build/wheel/wheel" "$1/build/wheel/import" "$1/build/deb" -maxdepth 1 -type f \
    \( -name '*.whl' -o -name '*.deb' -o -name '*.tar*' \) 2>/dev/null |
    LC_ALL=C sort | while read -r file; do
      (cd "$(dirname "$file")" && sha256sum "$(basename "$file")")
    done
}

build() {
  rm -rf "$BUILT"
  mkdir -p "$BUILT"
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
  export SOURCE_DATE_EPOCH
  BUILDER=$SOURCE/$BUILT/builder
  [ "$PACKAGES" = no ] || deploy/debian/builder.sh "$BUILDER"
  elsewhere=$(mktemp --directory --tmpdir="${TMPDIR:-/var/tmp}" darban-release-XXXXXX)
  file_time=
  build_in "$SOURCE/$BUILT/clone"
  (
    umask 077
    file_time=2001-02-03
    build_in "$elsewhere/again/darban"
  )
  hashes "$BUILT/clone" >"$BUILT/hashes"
  hashes "$elsewhere/again/darban" >"$BUILT/hashes-again"
  diff "$BUILT/hashes" "$BUILT/hashes-again" >&2 ||
    fail "two builds differ, as said above; they are in $BUILT/clone and $elsewhere"
  mv "$BUILT/clone/build/wheel/wheel" "$BUILT/wheel"
  mv "$BUILT/clone/build/wheel/import"/*.whl "$BUILT/wheel"
  [ "$PACKAGES" = no ] || {
    rm -rf build/deb
    mv "$BUILT/clone/build/deb" build/deb
  }
  rm -rf "$elsewhere" "$BUILT/clone"
}

# ---- What is said about it ----

in_one_line() { paste -sd, - | sed 's/,/, /g'; }

# shellcheck disable=SC2016 # dpkg-query expands it
debian_versions() { # packages
  dpkg-query --admindir="${dpkg_root:-}/var/lib/dpkg" --show --showformat='${Package} ${Version}\n' "$@" 2>/dev/null | sort
}

python_versions() {
  "$PYTHON" -c 'import platform, zlib
print(f"Python {platform.python_version()}\nzlib {zlib.ZLIB_RUNTIME_VERSION}")'
  "$PYTHON" -m pip --disable-pip-version-check list --format=freeze | sed -n 's/^\(pip\|setuptools\)==/\1 /p'
}

# The tools whose versions can change what is built.
tools() {
  say "wheel built with: $(python_versions | in_one_line)"
  [ "$PACKAGES" != no ] || return 0
  say "packages built with: $({
    dpkg_root=$BUILDER debian_versions debhelper dpkg-dev gcc libc6-dev python3.11 python3.13 tar xz-utils
    sed -n 's/^\(mypy\|setuptools\)==\([^ ;]*\).*/\1 \2/p' requirements/build.txt
  } | in_one_line)"
  say "bundle made with: $(debian_versions dpkg-dev mmdebstrap tar | in_one_line), and what Debian had that day"
}

put_tag() {
  {
    say "$version  $(git log -1 --format=%cs)  $tag  commit $commit"
    tools
    cat "$BUILT/hashes"
  } >"$BUILT/entry"
  sign=--annotate
  [ -z "$(git config user.signingkey || true)" ] || sign=--sign
  git tag "$sign" --file "$BUILT/entry" "$tag"
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
commit=$(git rev-parse HEAD)
if ! git rev-parse --quiet --verify "refs/tags/$tag" >/dev/null; then
  build
  put_tag
fi
[ "$(git rev-parse "$tag^{commit}")" = "$commit" ] || fail "there is a tag $tag of another commit"

# The tag has the entry, also where an earlier run has made it.
mkdir -p "$BUILT"
git cat-file tag "$tag" | sed -e '1,/^$/d' -e '/^-----BEGIN/,$d' >"$BUILT/entry"
note "$BUILT/entry"
next=$(say "$version" | sed 's/\..*//').$(($(say "$version" | cut -d. -f2) + 1)).0
set_version "$next.dev0"
commit "release: note the hashes of $version, begin $next" RELEASES "$VERSION_FILE"
say "Released $version as tag $tag:"
cat "$BUILT/entry"
