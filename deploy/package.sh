#!/bin/sh
# Copies the packages of the wheel into DIRECTORY: `DARBAN_BUILD=... deploy/package.sh DIRECTORY`.
#
# Nothing comes along that was built beside the source. With DARBAN_BUILD, the version of the copy
# ends in "+" and this, so that it tells one release from another. Everybody may read the copy.
set -eu
umask 022

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${DARBAN_BUILD:-}

for package in resolver darban_import; do
  cp -R "$SOURCE/$package" "$1/"
  find "$1/$package" -name __pycache__ -prune -exec rm -rf {} +
  find "$1/$package" -name '*.so' -exec rm -f {} +
  chmod -R u=rwX,go=rX "$1/$package"
done
sed -i "s/^\(__version__ = \"[^\"]*\)\"/\1${BUILD:++$BUILD}\"/" "$1/resolver/__init__.py"
