#!/bin/sh
# Copies packages into DIRECTORY: `DARBAN_BUILD=... deploy/package.sh DIRECTORY PACKAGE...`.
#
# Nothing comes along that was built beside the source. With DARBAN_BUILD, the version in the copy of
# resolver ends in "+" and this, so that it tells one release from another. Everybody may read the copy.
set -eu
umask 022

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${DARBAN_BUILD:-}
place=$1
shift

for package in "$@"; do
  cp -R "$SOURCE/$package" "$place/"
  find "$place/$package" '(' -name __pycache__ -o -name '*.egg-info' ')' -prune -exec rm -rf {} +
  find "$place/$package" -name '*.so' -exec rm -f {} +
  chmod -R u=rwX,go=rX "$place/$package"
done
[ ! -e "$place/resolver" ] ||
  sed -i "s/^\(__version__ = \"[^\"]*\)\"/\1${BUILD:++$BUILD}\"/" "$place/resolver/__init__.py"
