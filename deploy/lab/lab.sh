#!/bin/sh
# A primary, two sites, their clients and a NOC on this machine: deploy/lab/README.md.
#
# How it works: "up" starts this script again in a network, a process table and mounts of the lab's
# own, where a bridge is the wire between the boxes. Each box is such namespaces once more, with
# this machine's files below a layer in memory. So its programs, paths and ports are those of a
# real server, nothing of this machine changes, and when "up" ends, however that may be, the
# kernel ends all of it.
set -eu
script=$(readlink -f "$0")
lab=$(dirname "$script")
tree=$(dirname "$(dirname "$lab")")
darban=${DARBAN:-$tree/.venv/bin/darban}
running=${LAB_PID:-/run/darban-lab.pid}
boxes=/run/boxes # in the lab's own mounts

die() {
  echo "$*" >&2
  exit 1
}

check_needs() {
  [ "$(id -u)" = 0 ] || die "The lab makes namespaces: run it as root."
  [ -x "$darban" ] || die "There is no $darban: run make lab."
  for program in dig dnsdist git ip keymgr knotd named prometheus promtool sshd ssh-keygen; do
    command -v $program >/dev/null || die "There is no $program. Debian: apt install bind9 \
bind9-dnsutils dnsdist git iproute2 knot openssh-client openssh-server prometheus"
  done
  ! init >/dev/null || die "The lab runs already: see $running."
}

# The process 1 of the lab, as this machine sees it.
init() {
  up=$(cat "$running" 2>/dev/null) && unshare=$(child "$up") || return
  [ "$(cat "/proc/$unshare/comm")" = unshare ] && child "$unshare"
}

child() {
  children=$(cat "/proc/$1/task/$1/children" 2>/dev/null)
  [ -n "$children" ] && echo "${children%% *}"
}

await() { # WHAT COMMAND: until it succeeds
  what=$1
  shift
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || die "Not within a minute: $what.
$(tail -n 20 $boxes/*/above/var/log/lab.log)"
    sleep 0.2
  done
}

# --- inside the lab ---

into() { # BOX COMMAND: run it there
  box=$1
  shift
  [ -e "$boxes/$box/init" ] || die "There is no box $box, but $(cd $boxes && echo *)."
  nsenter --target "$(cat "$boxes/$box/init")" --mount --net --pid --uts --root --wd "$@"
}

stay() { # BOX COMMAND: start a program that stays
  # shellcheck disable=SC2016 # the inner shell expands
  into "$1" sh -c 'shift; "$@" >>/var/log/lab.log 2>&1 </dev/null &' sh "$@"
}

box() { # NAME ADDRESS...: make one, with the files that the tree has for it
  box=$1
  root=$boxes/$box/root
  shift
  mkdir -p "$boxes/$box/above" "$boxes/$box/work" "$root"
  mount -t overlay overlay "$root" \
    -o "lowerdir=/,upperdir=$boxes/$box/above,workdir=$boxes/$box/work"
  # what the machine's own Darban, Knot and BIND have is not the box's
  rm -rf "$root/etc/darban" "$root/var/lib/darban" "$root/var/lib/darban-zones" \
    "$root/var/lib/knot" "$root/var/cache/bind"
  install -d "$root$tree" "$root/run/sshd" "$root/var/log"
  install -d -o knot "$root/run/knot" "$root/var/lib/knot"
  install -d -o bind "$root/run/named" "$root/var/cache/bind"
  mount --bind -o ro "$tree" "$root$tree"
  ln -sf "$darban" "$root/usr/local/bin/darban"
  [ ! -d "$lab/boxes/$box" ] || cp -r "$lab/boxes/$box/." "$root"
  unshare --mount --net --pid --uts --fork --kill-child sh "$script" init "$box" "$root" &
  unshare=$!
  await "the box $box" child $unshare
  child $unshare >"$boxes/$box/init"
  await "the files of $box" into "$box" test -e /proc/self
  ip link add "$box" type veth peer name eth0 netns "$(cat "$boxes/$box/init")"
  ip link set "$box" master wire up
  into "$box" ip link set lo up
  into "$box" ip link set eth0 up
  for address in "$@"; do
    into "$box" ip address add "$address/8" dev eth0
  done
}

be_box() { # NAME ROOT: the process 1 of a box
  hostname "$1"
  mount -t proc proc "$2/proc"
  mount --rbind /dev "$2/dev"
  exec chroot "$2" sh -c 'while sleep 3600; do :; done'
}

# A signed repository on the centre, to which the NOC pushes and from which the servers pull.
start_policy() {
  into centre userdel git 2>/dev/null || :
  into centre useradd --system --home-dir /srv --shell /usr/bin/git-shell --password '*' git
  into centre git init --quiet --bare --initial-branch=stable /srv/policy.git
  into centre chown -R git:git /srv/policy.git
  key="ssh-keygen -q -t ed25519 -N ''"
  into centre sh -c "$key -f /etc/ssh/lab_host_key"
  into noc sh -c "$key -C noc -f /etc/ssh/policy_key"
  into centre sh -c "$key -C servers -f /etc/ssh/policy_key"
  noc_key=$(into noc cat /etc/ssh/policy_key.pub)
  into centre tee /etc/ssh/keys_of_git >/dev/null <<END
restrict $noc_key
restrict,command="git-upload-pack '/srv/policy.git'" $(into centre cat /etc/ssh/policy_key.pub)
END
  for box in noc centre site-a1 site-a2; do
    echo "10.0.0.53 $(into centre cat /etc/ssh/lab_host_key.pub)" |
      into $box tee /etc/ssh/ssh_known_hosts >/dev/null
  done
  signer="noc@ministry.example namespaces=\"git\" $noc_key"
  for box in centre site-a1 site-a2; do
    echo "$signer" | into $box tee /etc/darban/allowed_signers >/dev/null
  done
  echo "$signer" | into noc tee /root/allowed_signers >/dev/null
  for box in site-a1 site-a2; do
    into centre cat /etc/ssh/policy_key | into $box sh -c 'umask 077; cat >/etc/ssh/policy_key'
  done
  stay centre /usr/sbin/sshd -D -e
  into noc sh -eu -c "
    mkdir /root/policy && cp -r $lab/policy/config.toml $tree/blocklists /root/policy
    cd /root/policy
    git init --quiet --initial-branch=stable
    git config user.name NOC
    git config user.email noc@ministry.example
    git config gpg.format ssh
    git config user.signingkey /etc/ssh/policy_key
    git config gpg.ssh.allowedSignersFile /root/allowed_signers
    git remote add origin ssh://10.0.0.53/srv/policy.git
    git add --all
    git commit --quiet -S -m 'the policy as it is'"
  await "the policy is pushed" into noc git -C /root/policy push --quiet -u origin stable
}

start_darban() { # BOX
  into "$1" darban pull
  stay "$1" darban run --config /etc/darban/config.toml
}

start_centre() {
  into centre install -d -g knot -m 2750 /var/lib/darban-zones
  start_darban centre
  into centre sh -c 'keymgr -t site-b hmac-sha256 >/etc/knot/darban-keys.conf &&
    chown knot /etc/knot/darban-keys.conf'
  # there is no syslog in a box
  into centre sh -c 'darban export knot | sed "s/target: syslog/target: stderr/" >/etc/knot/knot.conf'
  await "the zones are written" into centre test -e /var/lib/darban-zones/serials
  stay centre knotd
  # there is no systemd in a box: this does what darban-zones.path does
  # shellcheck disable=SC2016 # the inner shell expands
  stay centre sh -c 'cd /var/lib/darban-zones && while sleep 0.5; do
    cmp -s serials /run/serials || { cp serials /run && sh "$1" . && knotc zone-reload; }
  done' check "$tree/resolver/publish/check_zones.sh"
}

start_site_a() {
  start_darban site-a1
  start_darban site-a2
  into site-a1 darban export dnsdist-front | into site-a tee /etc/dnsdist/dnsdist.conf >/dev/null
  stay site-a dnsdist --supervised --disable-syslog -C /etc/dnsdist/dnsdist.conf
}

start_site_b() {
  into centre darban export bind --to /root/bind
  cp -r $boxes/centre/root/root/bind/. $boxes/site-b/root/etc/bind
  into site-b sh /etc/bind/darban-seeds.sh
  secret=$(into centre sed -n 's/ *secret: //p' /etc/knot/darban-keys.conf)
  echo "key \"site-b\" { algorithm hmac-sha256; secret \"$secret\"; };" |
    into site-b sh -c 'cat >/etc/bind/darban-keys.conf'
  stay site-b named -g -u bind
}

start_noc() {
  into noc cp "$tree/deploy/prometheus/recording.yml" "$tree/deploy/prometheus/alerts.yml" \
    /etc/prometheus
  stay noc prometheus --config.file=/etc/prometheus/prometheus.yml \
    --storage.tsdb.path=/tmp/prometheus --web.listen-address=10.0.0.90:9090 --log.level=warn
}

blocks() { # SERVER: whether it blocks web.telegram.org for the administration
  [ "$(into clients dig +short +tries=1 +timeout=1 -b 10.10.1.5 "@$1" web.telegram.org)" = 0.0.0.0 ]
}

inside() {
  mount -t tmpfs tmpfs /run
  ip link set lo up
  ip link add wire type bridge
  ip link set wire up
  box internet 10.255.0.53
  box noc 10.0.0.90 10.10.9.9 10.20.9.9 # the latter to test as a client of each VLAN
  box centre 10.0.0.53
  box site-a 10.1.0.53
  box site-a1 10.1.0.61
  box site-a2 10.1.0.62
  box site-b 10.2.0.53
  box clients 10.10.1.5 10.20.1.5 10.10.2.5 10.20.2.5
  stay internet knotd
  start_policy
  start_centre
  start_site_a
  start_site_b
  start_noc
  for server in 10.0.0.53 10.1.0.53 10.2.0.53; do
    await "$server answers by the policy" blocks $server
  done
  await "Prometheus is ready" into noc promtool check ready --url=http://10.0.0.90:9090
  echo "The lab is up. End it with Ctrl-C. deploy/lab/README.md says what to try, such as:
  $script in clients dig -b 10.10.1.5 @10.1.0.53 web.telegram.org"
  while sleep 3600; do :; done
}

# --- from outside ---

enter() { # COMMAND: run it inside the lab
  init=$(init) || die "The lab does not run: make lab starts it."
  exec nsenter --target "$init" --mount --net --pid "$@"
}

up() {
  check_needs
  setpriv --pdeathsig KILL \
    unshare --mount --net --pid --fork --kill-child --mount-proc sh "$script" inside &
  unshare=$!
  echo $$ >"$running"
  trap 'kill -KILL $unshare 2>/dev/null || :; rm -f "$running"' EXIT
  trap 'exit 0' INT TERM HUP
  wait $unshare
}

command=${1:-}
[ $# = 0 ] || shift
case $command in
  up) up ;;
  in) enter sh "$script" into "$@" ;;
  cut) enter ip link set "$1" down ;;
  mend) enter ip link set "$1" up ;;
  # for this script itself
  inside) inside ;;
  init) be_box "$@" ;;
  into) into "$@" ;;
  *) die "usage: lab.sh up | in BOX COMMAND... | cut BOX | mend BOX" ;;
esac
