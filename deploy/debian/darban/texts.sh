#!/bin/sh
# Makes the files that are not of one version of Python: `debian/texts.sh TREES DIRECTORY`.
#
# Where the source names a place of `make install`, they name that of the package.
set -eu
umask 022

python=$(python3 -c 'import sys; print("{}.{}".format(*sys.version_info))')
export PYTHONPATH="$1/$python/lib/python$python/site-packages" PYTHONDONTWRITEBYTECODE=1
mkdir -p "$2"

places='s#/opt/darban/current/bin/darban#/usr/bin/darban#g
s#/usr/local/lib/darban#/usr/lib/darban#g
s# deploy/reference.toml# /usr/share/doc/darban/deploy/reference.toml#g'

for unit in deploy/systemd/*.service deploy/systemd/*.path; do
  sed -e "$places" "$unit" >"$2/${unit##*/}"
done
deploy/server_config.sh | sed -e "$places" >"$2/config.toml"
python3 deploy/manual.py >"$2/darban.8"
PYTHONPATH="$PYTHONPATH:$PWD" python3 docs/make_reference.py
for shell in bash zsh fish; do
  _DARBAN_COMPLETE=source_$shell python3 -c 'import sys; sys.argv = ["darban"]
from resolver.cli import main
main()' >"$2/completion.$shell"
done
