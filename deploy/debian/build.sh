#!/bin/sh
# Builds darban_VERSION_amd64.deb and darban-lists_DATE_all.deb: `deploy/debian/build.sh DIRECTORY`.
#
# First a source package of each is made in DIRECTORY: the files of this checkout that git tracks,
# as they are now, with a debian/ directory, and for the program the wheels of its requirements.
# This alone needs the network, or PIP_NO_INDEX and PIP_FIND_LINKS. Then dpkg-buildpackage runs
# without a network, in the Debian that builder.sh makes, or another below BUILDER.
#
# PURE=yes compiles nothing, and runs dpkg-buildpackage on this system, for this system alone: tests. VERSION and
# LISTS_VERSION replace the versions, and SOURCE_DATE_EPOCH the time, that git and the source give.
set -eu
umask 022

SOURCE=$(cd "$(dirname "$0")/../.." && pwd)
PYTHON=${PYTHON:-python3}
PURE=${PURE:-}
BUILDER=${BUILDER:-}
LISTS_MADE_OF="blocklists LICENSE deploy/debian/darban-lists"

fail() { printf 'build: %s\n' "$*" >&2; exit 1; }

committed() { # format, paths
  format=$1
  shift
  git log -1 --format=%cd --date="format-local:$format" -- "${@:-.}"
}

# shellcheck disable=SC2086 # the paths are several words
# As Python says it, 1.0.0rc1 or 0.3.0.dev0. What is not released also has the commit.
choose_versions() {
  export TZ=UTC
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
  export SOURCE_DATE_EPOCH
  version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' resolver/__init__.py)
  case $version in
    *dev*) version=$version+$(committed %Y%m%d.%H%M%S) ;;
  esac
  VERSION=${VERSION:-$(printf '%s' "$version" | sed -e 's/\.dev/~dev/' -e 's/rc/~rc/')}
  # The lists have a date of their own: a version of theirs that is released twice is the same.
  lists_date=$(committed %s $LISTS_MADE_OF)
  LISTS_VERSION=${LISTS_VERSION:-$(committed %Y%m%d.%H%M $LISTS_MADE_OF)}
}

copy() { # directory, paths
  to=$1
  shift
  mkdir -p "$to"
  git ls-files -z -- "$@" | tar --create --null --files-from=- | tar --extract --directory "$to"
}

put_debian() { # directory, package, version, date
  copy "$work/debian" "deploy/debian/$2"
  mv "$work/debian/deploy/debian/$2" "$1/debian"
  cat >"$1/debian/changelog" <<CHANGELOG
$2 ($3) unstable; urgency=medium

  * As CHANGELOG.md says.

 -- $(sed -n 's/^Maintainer: //p' "deploy/debian/$2/control")  $(date -R -d "@$4")
CHANGELOG
}

# Fetch the wheels once for each set of requirements.
fetch_wheels() {
  pythons="3.11 3.13"
  [ -z "$PURE" ] || pythons=$(/usr/bin/python3 -c 'import sys; print("{}.{}".format(*sys.version_info))')
  wheels=$SOURCE/build/wheels-$( (echo "$pythons" && cat requirements/run.txt requirements/import.txt requirements/build.txt) | sha256sum | cut -c1-12)
  [ ! -e "$wheels" ] || return 0
  platforms=
  for libc in 28 17; do platforms="$platforms --platform=manylinux_2_${libc}_$(uname -m)"; done
  rm -rf "$wheels.new"
  for python in $pythons; do
    # shellcheck disable=SC2086 # these are several options
    "$PYTHON" -m pip --quiet --disable-pip-version-check download --require-hashes \
      --only-binary=:all: --python-version="$python" $platforms --dest "$wheels.new" \
      -r requirements/run.txt -r requirements/import.txt -r requirements/build.txt
  done
  mv "$wheels.new" "$wheels"
}

# What is packed has the time and the permissions of each file. Those of a working tree depend on who
# made it and when: dpkg-source keeps times that are earlier than the commit, and permissions.
normalize() { # directory, date
  chmod -R u=rwX,go=rX "$1"
  find "$1" -exec touch --no-dereference --date="@$2" {} +
}

build_package() { # directory of the source package
  if [ -n "$BUILDER" ]; then
    # shellcheck disable=SC2016 # it is the shell in the builder that expands
    deploy/debian/in_builder.sh "$BUILDER" "$(dirname "$1")" \
      sh -c 'cd "/build/$0" && exec dpkg-buildpackage -us -uc' "$(basename "$1")"
  else
    # The date is that of debian/changelog, as in the builder.
    (cd "$1" && env -u SOURCE_DATE_EPOCH PATH=/usr/sbin:/usr/bin:/sbin:/bin DPKG_DEB_COMPRESSOR_TYPE=none \
      unshare --net dpkg-buildpackage --no-check-builddeps -us -uc -b)
  fi
}

[ "$(id -u)" = 0 ] || fail "run it as root: the build has namespaces of its own"
mkdir -p "$1"
DIRECTORY=$(cd "$1" && pwd)
cd "$SOURCE"
choose_versions
if [ -z "$PURE$BUILDER" ]; then
  BUILDER=$SOURCE/build/debian/builder-$(sha256sum <deploy/debian/builder.sh | cut -c1-12)
  [ -e "$BUILDER" ] || deploy/debian/builder.sh "$BUILDER"
fi
export DEB_BUILD_PROFILES="${PURE:+pkg.darban.pure}"
work=$DIRECTORY/source
rm -rf "$work"

lists=$work/darban-lists-$LISTS_VERSION
copy "$lists" blocklists LICENSE
put_debian "$lists" darban-lists "$LISTS_VERSION" "$lists_date"
normalize "$lists" "$lists_date"

program=$work/darban-$VERSION
fetch_wheels
copy "$program" resolver darban_import requirements deploy docs setup.py pyproject.toml config.toml \
  README.md SECURITY.md CHANGELOG.md LICENSE
cp -R "$wheels" "$program/wheels"
put_debian "$program" darban "$VERSION" "$SOURCE_DATE_EPOCH"
cp deploy/systemd/sysusers.conf "$program/debian/darban.sysusers"
cp deploy/systemd/tmpfiles.conf "$program/debian/darban.tmpfiles"
echo "$LISTS_VERSION" >"$program/debian/lists-version"
normalize "$program" "$SOURCE_DATE_EPOCH"

for each in "$lists" "$program"; do
  if ! build_package "$each" >"$each.log" 2>&1; then
    tail -n 30 "$each.log" >&2
    fail "$(basename "$each") is not built; all that was said is in $each.log"
  fi
done
mv "$work"/*.deb "$DIRECTORY"
[ -n "$PURE" ] || mv "$work"/*.dsc "$work"/*.tar.* "$work"/*.buildinfo "$DIRECTORY"
rm -rf "$work"
