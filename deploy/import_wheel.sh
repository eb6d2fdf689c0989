#!/bin/sh
# Builds the wheel of the importers into DIRECTORY/import: `PYTHON=python3 deploy/import_wheel.sh DIRECTORY`.
#
# It is pure, and built from a copy, as deploy/wheel.sh builds that of Darban; PYTHON, DARBAN_BUILD and
# SOURCE_DATE_EPOCH are as there.
set -eu
umask 022

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
copy=$1/import-source

rm -rf "$copy" "$1/import"
mkdir -p "$copy"
"$SOURCE/deploy/package.sh" "$copy" resolver darban_import
cp "$SOURCE/LICENSE" "$copy/darban_import/"
chmod -R u=rwX,go=rX "$copy"
"${PYTHON:-python3}" -m pip --quiet --disable-pip-version-check wheel \
  --no-deps --no-build-isolation --wheel-dir "$1/import" "$copy/darban_import"
