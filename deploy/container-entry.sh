#!/bin/sh
# Becomes darban with no right but the one to bind port 53. As root it first gives up root and all
# other rights, for which the container has to have them (compose.yaml: Docker gives capabilities
# to root alone). As another user, as podman runs it, there is nothing to give up.
set -eu
[ "$(id -u)" = 0 ] || exec /usr/local/bin/darban "$@"
exec setpriv --reuid darban --regid darban --clear-groups --no-new-privs \
  --inh-caps -all,+net_bind_service --ambient-caps -all,+net_bind_service \
  --bounding-set -all,+net_bind_service \
  /usr/local/bin/darban "$@"
