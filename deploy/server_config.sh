#!/bin/sh
# Prints the shipped config for a server: port 53, and the lists where they are installed.
set -eu

sed -e 's/:5300"/:53"/g' -e 's/ -p 5300//' "$(dirname "$0")/../config.toml"
cat <<'CONFIG'


# ---- The lists: those of the release, and yours, which add to them ----

[lists]
directories = ["/usr/share/darban/blocklists", "/etc/darban/blocklists"]
CONFIG
