#!/bin/sh
# Makes what darban-import has beside the packages of the program: `debian/import.sh 3.13 DIRECTORY`.
#
# It is the same for each version of Python; a wheel is chosen for this one.
set -eu
umask 022

version=$1
place=$2
mkdir -p "$place/darban_import.dist-info"
# shellcheck disable=SC2046 # these are several options
PYTHONPATH=build/pip python3 -m pip --quiet --disable-pip-version-check install --no-compile \
  --require-hashes --only-binary=:all: --python-version="$version" \
  $(printf ' --platform=manylinux_2_%s_'"$(uname -m)" 28 17) --target "$place" -r requirements/import.txt
# YAML is read without libyaml, of which the wheel has a copy. The rest differs from build to build.
rm -rf "$place"/yaml/_yaml*.so
find "$place" '(' -name RECORD -o -name INSTALLER -o -name REQUESTED ')' -delete
deploy/package.sh "$place" darban_import
# By its entry points, darban init finds what reads the settings of other resolvers.
sed -n 's/"//g; /^\[project.entry-points.darban.import\]$/,/^$/ { s/project.entry-points.//; p }' \
  darban_import/pyproject.toml >"$place/darban_import.dist-info/entry_points.txt"
rm "$place/darban_import/pyproject.toml"
