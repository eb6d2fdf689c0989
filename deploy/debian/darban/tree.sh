#!/bin/sh
# Makes what runs Darban by one version of Python: `debian/tree.sh 3.13 DIRECTORY`.
#
# DIRECTORY becomes an environment as venv makes it, of the Python that is installed in /usr/bin
# later: this version of Python need not be there, unless DARBAN_COMPILE is 1.
set -eu
umask 022

version=$1
place=$2
site=$place/lib/python$version/site-packages
build=$place-build

mkdir -p "$place/bin" "$site" "$build"
ln -s "../../../../bin/python$version" "$place/bin/python3"
printf '%s\n' 'home = /usr/bin' 'include-system-site-packages = false' >"$place/pyvenv.cfg"
cat >"$place/bin/darban" <<PROGRAM
#!/usr/lib/darban/$version/bin/python3
import sys

from resolver.cli import main

sys.exit(main())
PROGRAM
chmod 755 "$place/bin/darban"

platforms=
for libc in 28 17; do platforms="$platforms --platform=manylinux_2_${libc}_$(uname -m)"; done
# shellcheck disable=SC2086 # these are several options
PYTHONPATH=build/pip python3 -m pip --quiet --disable-pip-version-check install --no-compile \
  --require-hashes --only-binary=:all: --python-version="$version" $platforms \
  --target "$site" -r requirements/run.txt
# setuptools builds, and nothing else. Who installed a package, and where its commands would be,
# differs from build to build.
(cd "$site" && rm -rf bin setuptools* pkg_resources ./*distutils*)
find "$site" '(' -name RECORD -o -name INSTALLER -o -name REQUESTED ')' -delete

if [ "${DARBAN_COMPILE:-}" = 1 ]; then
  PYTHON=python$version deploy/wheel.sh "$build"
  python3 -m zipfile --extract "$build"/wheel/*.whl "$site"
  rm -f "$site"/darban-*.dist-info/RECORD
else
  deploy/package.sh "$site" resolver
fi
