#!/bin/sh
# Gives up root and every right but the one to bind port 53, then becomes darban. The container
# must be given that right and what it takes to give up the rest (see compose.yaml).
set -eu
exec setpriv --reuid darban --regid darban --clear-groups --no-new-privs \
  --inh-caps -all,+net_bind_service --ambient-caps -all,+net_bind_service \
  --bounding-set -all,+net_bind_service \
  /usr/local/bin/darban "$@"
