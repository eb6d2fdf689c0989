#!/bin/sh
# Boots the Debian below $1 with systemd as its process 1. Run it in new namespaces of mounts,
# processes, network, host name and IPC; $2 names a control group of its own.
set -eu
root=$1
group=$2
mount --make-rprivate /
mount -t cgroup2 none "$root/sys"
mkdir -p "$root/sys/$group"
echo $$ >"$root/sys/$group/cgroup.procs"
umount "$root/sys"
# shellcheck disable=SC2016 # it is the inner shell that expands
exec unshare --cgroup sh -eu -c '
cd "$1"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
for device in null zero full random urandom tty; do
  touch dev/$device
  mount --bind /dev/$device dev/$device
done
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
ip link set lo up
mkdir -p .old
pivot_root . .old
exec env -i container=darban-tests PATH=/usr/sbin:/usr/bin \
  sh -c "umount -l /.old && exec /lib/systemd/systemd" </dev/null >/dev/null 2>&1
' sh "$root"
