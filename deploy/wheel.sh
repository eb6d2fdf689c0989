#!/bin/sh
# Builds Darban's wheel into DIRECTORY/wheel: `PYTHON=python3 deploy/wheel.sh DIRECTORY`.
#
# With DARBAN_COMPILE=1 the wheel is compiled, with the requirements of the build in an environment
# of their own, DIRECTORY/tools, and the pip in DIRECTORY/pip. Each compiled module is imported
# once. Else the wheel is pure, and PYTHON needs pip and setuptools.
#
# The wheel is built from a copy, DIRECTORY/source. Nothing is ever written beside the files that
# people edit: a compiled module there would win over its edited source, and nobody would see it.
# Nothing is built where nothing has changed since; DIRECTORY/built has the time of the last build.
#
# With DARBAN_BUILD, the version of the wheel ends in "+" and this. With SOURCE_DATE_EPOCH, each file
# of the wheel has this time, and the same source gives the same octets.
set -eu
umask 022

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
PYTHON=${PYTHON:-python3}
COMPILE=${DARBAN_COMPILE:-}

fail() { printf 'wheel: %s\n' "$*" >&2; exit 1; }

mkdir -p "$1"
DIRECTORY=$(cd "$1" && pwd)

# What a wheel is made of: the source, the tools, and how they are used.
copy_source() { # place
  rm -rf "$1"
  mkdir "$1"
  "$SOURCE/deploy/package.sh" "$1" resolver
  for name in setup.py pyproject.toml README.md LICENSE requirements/build.txt; do
    cp "$SOURCE/$name" "$1/"
  done
  printf '%s\n' "$("$PYTHON" -VV)" "compile: $COMPILE" >"$1/how"
  chmod -R u=rwX,go=rX "$1"  # which the wheel keeps; those of the source depend on who made it
}

compiler_is_there() {
  compiler=${CC:-$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_config_var("CC"))')}
  command -v "${compiler%% *}" >/dev/null || fail "no ${compiler%% *} to compile with: apt install gcc"
  headers=$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("include"))')
  [ -e "$headers/Python.h" ] ||
    fail "no $headers/Python.h to compile with: apt install python3-dev"
}

install_tools() { # place
  if [ -e "$1/ready" ] && cmp -s "$SOURCE/requirements/build.txt" "$1/ready"; then return; fi
  rm -rf "$DIRECTORY/pip"
  "$PYTHON" "$SOURCE/deploy/unpack_pip.py" "$DIRECTORY/pip"
  "$PYTHON" -m venv --clear --without-pip "$1"
  "$1/bin/python3" -m pip --quiet --disable-pip-version-check install --no-compile \
    --require-hashes -r "$SOURCE/requirements/build.txt"
  cp "$SOURCE/requirements/build.txt" "$1/ready"
}

build() { # python of the build
  rm -rf "$DIRECTORY/wheel" "$DIRECTORY/tried"
  "$1" -m pip --quiet --disable-pip-version-check wheel \
    --no-deps --no-build-isolation --wheel-dir "$DIRECTORY/wheel" "$DIRECTORY/source"
}

# Import each compiled module of the wheel, which runs all code outside of its functions.
try_compiled() { # python of the build
  "$1" -m pip --quiet --disable-pip-version-check install \
    --no-deps --target "$DIRECTORY/tried" "$DIRECTORY"/wheel/*.whl
  "$1" -I - "$DIRECTORY/tried" <<'PROGRAM'
import importlib
import pathlib
import sys

place = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(place))
compiled = sorted(place.glob("resolver/**/*.so"))
if not compiled:
    sys.exit("wheel: nothing in it is compiled")
for path in compiled:
    name = ".".join([*path.parent.relative_to(place).parts, path.name.partition(".")[0]])
    if importlib.import_module(name).__file__ != str(path):
        sys.exit(f"wheel: {name} is not imported from {path.name}")
PROGRAM
  rm -rf "$DIRECTORY/tried"
}

copy_source "$DIRECTORY/source.new"
if [ -e "$DIRECTORY/built" ] && diff -rq "$DIRECTORY/source.new" "$DIRECTORY/given" >/dev/null; then
  rm -rf "$DIRECTORY/source.new"
  exit
fi
rm -rf "$DIRECTORY/built" "$DIRECTORY/source" "$DIRECTORY/given"
mv "$DIRECTORY/source.new" "$DIRECTORY/given"
cp -R "$DIRECTORY/given" "$DIRECTORY/source"
if [ "$COMPILE" = 1 ]; then
  compiler_is_there
  export PYTHONPATH="$DIRECTORY/pip"
  install_tools "$DIRECTORY/tools"
  build "$DIRECTORY/tools/bin/python3"
  try_compiled "$DIRECTORY/tools/bin/python3"
else
  build "$PYTHON"
fi
: >"$DIRECTORY/built"
