#!/bin/sh
# Runs a command without a network in the Debian that builder.sh makes:
# `in_builder.sh BUILDER DIRECTORY COMMAND`. There, DIRECTORY is /build.
set -eu

builder=$1 directory=$2
shift 2
# shellcheck disable=SC2016 # it is the inner shell that expands
exec unshare --mount --net --pid --fork sh -eu -c '
  mount --bind "$2" "$1/build"
  mount -t proc proc "$1/proc"
  builder=$1
  shift 2
  exec chroot "$builder" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"
' sh "$builder" "$directory" "$@"
