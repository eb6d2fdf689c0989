#!/bin/sh
# Installs Darban on a Debian server, goes back a release, or removes it: `make install`,
# `make rollback`, `make uninstall`.
#
# A release is a directory of its own below /opt/darban/releases, with its own Python
# environment, lists and unit. /opt/darban/current is a link to the one in use, and is set only
# after the release's own `darban check` has accepted the installed config. Nothing that the
# operator has written is overwritten or removed: /etc/darban and /var/lib/darban stay.
#
# A release is compiled where that works, and otherwise pure: then Python interprets it, with the
# same answers for more CPU time. COMPILE=no makes it pure. Its name ends with what it is.
#
# ENCRYPTED=yes also puts in force what the config says about encrypted DNS: [server.tls], for DNS
# over TLS by Darban itself, and [front], for which it sets up dnsdist on this box.
#
# With DESTDIR, everything is laid out below it, and nothing is checked or started.
set -eu
umask 022

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
PYTHON=${PYTHON:-python3}
ROOT=${DESTDIR:-}
COMPILE=${COMPILE:-}
ENCRYPTED=${ENCRYPTED:-}
INSTALLED_LISTS=deploy/debian/darban-lists/darban-lists.install  # the package has the same files
DNSDIST=/etc/dnsdist/dnsdist.conf
OPT=/opt/darban
ETC=/etc/darban
STATE=/var/lib/darban
LISTS=/usr/share/darban/blocklists
LOCAL=/usr/local
SUDOERS=/etc/sudoers.d/darban-local  # darban is the package's, and dpkg would ask about it
KEPT=3

say() { printf '%s\n' "$*"; }
fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

# ---- Small things ----

# Make a link point elsewhere, in one step.
point() { # link target
  mkdir -p "$(dirname "$ROOT$1")"
  rm -f "$ROOT$1.new"
  ln -s "$2" "$ROOT$1.new"
  mv -fT "$ROOT$1.new" "$ROOT$1"
}

points_to() { # link
  readlink "$ROOT$1" || true
}

put() { # file place [mode]
  install -D -T -m "${3:-644}" "$1" "$ROOT$2"
}

# Put a file into /etc/darban, where members of the group darban may put links, and swap one for
# another at any moment. So the file is finished beside the directory, where only root may write,
# and renamed: that follows no link.
put_in_etc() { # file name mode
  put "$1" "$ETC.new" "$3"
  [ -n "$ROOT" ] || chgrp darban "$ETC.new"
  mv -fT "$ROOT$ETC.new" "$ROOT$ETC/$2"
}

systemd_runs() { [ -z "$ROOT" ] && [ -d /run/systemd/system ]; }

# Run something as the service would, so that what it cannot read is found now.
as_service() {
  if [ "$(id -u)" = 0 ] && getent passwd darban >/dev/null; then
    setpriv --reuid darban --regid darban --clear-groups -- "$@"
  else
    "$@"
  fi
}

alone() {
  [ -n "$ROOT" ] || [ "$(id -u)" = 0 ] || fail "run it as root, or with DESTDIR"
  mkdir -p "$ROOT$OPT"
  exec 9>"$ROOT$OPT/.lock"
  flock -n 9 || fail "another install is at work"
  WORK=$ROOT$OPT/build
  unfinished=
  trap 'rm -rf "$WORK" ${unfinished:+"$unfinished"}' EXIT
  trap 'exit 1' HUP INT TERM
}

# The Debian package has files of its own in the same places.
is_not_packaged() {
  [ -n "$ROOT" ] || ! command -v dpkg-query >/dev/null ||
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' darban 2>/dev/null)" != installed ] ||
    fail "the Debian package darban is installed: apt install a newer one, or apt remove darban"
}

# ---- A release ----

# A hash of all that a release is made of. The release's name and version end in it.
hash_source() {
  cd "$SOURCE"
  {
    "$PYTHON" -V
    find resolver blocklists "$INSTALLED_LISTS" config.toml deploy/systemd deploy/install.sh deploy/manual.py \
      deploy/server_config.sh deploy/wheel.sh deploy/package.sh deploy/unpack_pip.py deploy/is-ready deploy/sudoers deploy/bird/darban-anycast \
      setup.py pyproject.toml requirements/run.txt requirements/build.txt \
      -type f ! -name '*.pyc' -print0 |
      LC_ALL=C sort -z | xargs -0 sha256sum
  } | sha256sum | cut -c1-12
}

release_name() {
  version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$SOURCE/resolver/__init__.py")
  say "$version-$DARBAN_BUILD"
}

python_is_there() {
  command -v "$PYTHON" >/dev/null || fail "no $PYTHON: apt install python3 python3-venv"
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$PYTHON is too old; Python 3.11 or newer is needed: make install PYTHON=python3.13"
  "$PYTHON" -c 'import venv, ensurepip' 2>/dev/null || fail "no venv: apt install python3-venv"
}

is_complete() { # release
  [ -e "$ROOT$1/complete" ]
}

# Say how many C files are compiled, and of which module the last one is.
say_compiled() {
  files=$(find "$WORK/source/build" -name '*.c' 2>/dev/null | wc -l)
  compiled=$(find "$WORK/source/build" -name '*.o' -printf '%T@ %f\n' 2>/dev/null | sort -n)
  last=$(say "$compiled" | sed -n '$ { s/.* //; s/^__native_//; s/___/./g; s/[.]o$//; p }')
  case $last in
    "") say "Compiling: no C file is compiled yet ..." ;;
    *) say "Compiling: $(say "$compiled" | wc -l) of $files C files, the last of $last ..." ;;
  esac
}

# Say so every half minute.
tell_compiling() {
  trap 'kill "$pause" 2>/dev/null; exit 0' TERM  # a sleep that went on would hold the directory
  while kill -0 $$ 2>/dev/null; do
    sleep 30 >/dev/null 2>&1 &
    pause=$!
    wait "$pause"
    say_compiled
  done
}

# Build the compiled wheel. While it is built, the service that runs here goes before.
compile() {
  say "Compiling at low priority, about a minute ..."
  tell_compiling 9>&- &  # which does not hold the lock
  result=0
  DARBAN_COMPILE=1 PYTHON="$PYTHON" nice -n 10 ionice -c 3 "$SOURCE/deploy/wheel.sh" "$WORK" || result=$?
  kill $! 2>/dev/null || true
  wait $! || true
  [ "$result" != 0 ] || return 0
  say "Not compiled, for the reason above. Python interprets this release: the same answers, for"
  say "more CPU time. To compile it, correct that and install again; COMPILE=no does not try."
  return 1
}

# Set release to the one to install, with its wheel ready where it is compiled.
choose_release() {
  DARBAN_BUILD=$(hash_source)
  export DARBAN_BUILD
  name=$OPT/releases/$(release_name)
  release=$name-compiled
  if [ "$COMPILE" = no ] || ! { is_complete "$release" || compile; }; then release=$name-pure; fi
}

# What decides which packages a release needs, and whether they fit its Python.
pin_requirements() {
  "$PYTHON" -VV
  cat "$SOURCE/requirements/run.txt"
}

# Whether the release in use has the same requirements.
has_them_already() { # place of the release
  in_use=$(points_to "$OPT/current")
  [ -n "$in_use" ] && is_complete "$in_use" && cmp -s "$ROOT$in_use/requirements" "$1/requirements"
}

copy_requirements() { # packages of the release in use, packages of the release
  cp -a "$1/." "$2"
  rm -rf "$2/resolver" "$2"/darban*
}

# Install the required packages with the pip of ensurepip, which is unpacked and stays outside.
# Their byte code is compiled with that of all others.
install_requirements() { # place of the release
  [ -e "$WORK/pip" ] || "$PYTHON" "$SOURCE/deploy/unpack_pip.py" "$WORK/pip"
  pip="env PYTHONPATH=$WORK/pip $1/bin/python3 -m pip --quiet --disable-pip-version-check"
  $pip install --no-compile --require-hashes -r "$SOURCE/requirements/run.txt"
  $pip uninstall --yes setuptools
}

# Put Darban beside the packages that it needs: out of its compiled wheel, or as it is.
put_package() { # release, its packages
  case $1 in
    *-compiled) "$PYTHON" -m zipfile --extract "$WORK"/wheel/*.whl "$2" ;;
    *-pure) "$SOURCE/deploy/package.sh" "$2" resolver ;;
  esac
}

build() { # release
  place=$ROOT$1
  if is_complete "$1"; then
    say "Release $(basename "$1") is there already."
    return
  fi
  say "Building release $(basename "$1") ..."
  rm -rf "$place"
  mkdir -p "$place"
  unfinished=$place
  "$PYTHON" -m venv --without-pip "$place"
  site=$("$place/bin/python3" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  pin_requirements >"$place/requirements"
  if has_them_already "$place"; then
    copy_requirements "$ROOT$in_use/${site#"$place"/}" "$site"
  else
    install_requirements "$place"
  fi
  put_package "$1" "$site"
  "$place/bin/python3" -m compileall -q "$site" || true  # what fails is nothing that is imported
  find "$place/bin" -mindepth 1 ! -name 'python*' -delete
  cat >"$place/bin/darban" <<PROGRAM
#!$1/bin/python3
import sys

from resolver.cli import main

sys.exit(main())
PROGRAM
  chmod 755 "$place/bin/darban"
  mkdir "$place/blocklists"
  while read -r pattern _; do
    # shellcheck disable=SC2086 # it is several files
    cp "$SOURCE"/$pattern "$place/blocklists/"
  done <"$SOURCE/$INSTALLED_LISTS"
  share "$place"
  : >"$place/complete"
  unfinished=
}

# What a release puts into the system: unit and the like, default config, man page, completion.
share() { # place of the release
  mkdir "$1/share"
  cp "$SOURCE"/deploy/systemd/* "$SOURCE/deploy/is-ready" "$SOURCE/deploy/bird/darban-anycast" "$1/share/"
  cp "$SOURCE/resolver/publish/check_zones.sh" "$1/share/check-zones"
  sed "s#/usr/bin/darban#$LOCAL/bin/darban#; s/DARBAN_READ/DARBAN_LOCAL_READ/" "$SOURCE/deploy/sudoers" >"$1/share/sudoers"
  "$SOURCE/deploy/server_config.sh" >"$1/share/config.toml"
  "$1/bin/python3" "$SOURCE/deploy/manual.py" >"$1/share/darban.8"
  for shell in bash zsh fish; do
    _DARBAN_COMPLETE=source_$shell "$1/bin/python3" "$1/bin/darban" >"$1/share/completion.$shell"
  done
}

# ---- The system ----

# Whether two files are the same. Of the second no link is followed, and no pipe is waited for.
is_same() { # file, file of the group darban
  dd if="$2" iflag=nofollow,nonblock,fullblock bs=1M count=1 status=none 2>/dev/null | cmp -s "$1" -
}

put_config() { # release
  default=$ROOT$1/share/config.toml
  config=$ROOT$ETC/config.toml
  if [ ! -e "$config" ] && [ ! -h "$config" ]; then
    put_in_etc "$default" config.toml 660
    say "$ETC/config.toml is the default; put your own VLANs and addresses there."
  elif is_same "$default" "$config"; then
    rm -f "$config.new"
  else
    put_in_etc "$default" config.toml.new 644
    say "$ETC/config.toml stays as it is; the default of this release is beside it: config.toml.new"
  fi
}

put_user() { # release
  put "$ROOT$1/share/sysusers.conf" "$LOCAL/lib/sysusers.d/darban.conf"
  put "$ROOT$1/share/tmpfiles.conf" "$LOCAL/lib/tmpfiles.d/darban.conf"
  if [ -n "$ROOT" ]; then
    mkdir -p "$ROOT$ETC/blocklists"
    return
  fi
  command -v systemd-sysusers >/dev/null || fail "no systemd-sysusers: apt install systemd"
  systemd-sysusers "$LOCAL/lib/sysusers.d/darban.conf"
  install -d -g darban -m 2770 "$ETC"
  # It has the group and the mode of the directory around it from its first moment: to set them
  # afterwards could change what a link leads to that a member of the group has put there.
  [ -e "$ETC/blocklists" ] || (umask 007 && mkdir "$ETC/blocklists")
  install -d -o darban -g darban -m 750 "$STATE"
  # Version 0.2 wrote files that the group could not read.
  as_service find "$STATE/snapshots" "$STATE/lists" "$STATE/configs" -user darban \
    -exec chmod g+rX {} + 2>/dev/null || true
}

put_files() { # release
  from=$ROOT$1/share
  put "$from/darban.service" "$LOCAL/lib/systemd/system/darban.service"
  for unit in darban-zones.path darban-zones-changed.service darban-zones.service \
    darban-list@.path darban-list-changed@.service darban-list@.service; do
    put "$from/$unit" "$LOCAL/lib/systemd/system/$unit"
  done
  put "$from/sysctl.conf" "$LOCAL/lib/sysctl.d/60-darban.conf"
  put "$from/is-ready" "$LOCAL/lib/darban/is-ready" 755
  put "$from/darban-anycast" "$LOCAL/lib/darban/darban-anycast" 755
  put "$from/darban.8" "$LOCAL/share/man/man8/darban.8"
  put "$from/completion.bash" "$LOCAL/share/bash-completion/completions/darban"
  put "$from/completion.zsh" "$LOCAL/share/zsh/site-functions/_darban"
  put "$from/completion.fish" "$LOCAL/share/fish/vendor_completions.d/darban.fish"
  point "$LOCAL/bin/darban" "$OPT/current/bin/darban"
  [ ! -e "$from/check-zones" ] || put "$from/check-zones" "$LOCAL/lib/darban/check-zones"
  [ ! -e "$from/sudoers" ] || put "$from/sudoers" "$SUDOERS" 440  # an earlier release has none
}

# Have a release before 1.2 say whether its audit log is whole: the first record of this one's has
# its words. What lies in the state directory is the service's, so its user writes there.
verify_history() { # the release before
  [ -e "$STATE/journal-chain.jsonl" ] && [ ! -e "$STATE/journal-head.json" ] || return 0
  code=0
  told=$(as_service timeout 120 "$1/bin/darban" history --verify --config "$ETC/config.toml" 2>&1) || code=$?
  as_service rm -f "$STATE/journal-verified"
  printf '%s\nexit status %s\n' "$told" "$code" | tail -c 65536 |
    as_service dd of="$STATE/journal-verified" conv=excl status=none || true
}

# An operator may need such a release all the same, so this goes on. The package says the same.
warn_of_older_log() { # release to go back to
  name=$(basename "$1")
  case $name in
    0.* | 1.[01].*)
      say "${name%%-*} writes the audit log in the form before 1.2.0. Later releases will not show what it puts in"
      say "force, and 'darban history --verify' will have findings as long as the log has such lines."
      say "The oldest release to go back to without this is 1.2.0."
      ;;
  esac >&2
}

accepts_config() { # release
  as_service "$1/bin/darban" check --config "$ETC/config.toml"
}

# Print which names come and go with the lists of a release, by service.
show_lists() { # the release before, release
  mkdir -p "$WORK/before" "$WORK/now"
  ln -sfn "$1/blocklists" "$WORK/before/blocklists"
  ln -sfn "$2/blocklists" "$WORK/now/blocklists"
  for each in before now; do
    printf '%s\n' '[policies.none]' '[vlans.none]' 'prefixes = ["192.0.2.0/24"]' \
      'policy = "none"' >"$WORK/$each/config.toml"
  done
  "$2/bin/darban" diff "$WORK/before/config.toml" "$WORK/now/config.toml" |
    sed '1s/.*: /Lists of this release, against those of the release before: /'
}

# Put a release in use, unless its own check refuses the installed config.
use() { # release
  was=$(points_to "$OPT/current")
  lists_were=$(points_to "$LISTS")
  point "$LISTS" "$1/blocklists"
  if [ -z "$ROOT" ] && ! accepts_config "$1"; then
    if [ -n "$lists_were" ]; then point "$LISTS" "$lists_were"; else rm "$LISTS"; fi
    fail "its check refuses $ETC/config.toml, as said above; in use is still ${was:-no release}"
  fi
  [ -n "$ROOT" ] || [ "${was:-$1}" = "$1" ] || show_lists "$was" "$1"
  switch "$1"
}

switch() { # release
  put_files "$1"
  point "$LISTS" "$1/blocklists"
  point "$OPT/current" "$1"
}

# Start the service, or have it go over to the release in use.
start() { # the release before, if any
  if ! systemd_runs; then
    [ -n "$ROOT" ] || ! command -v systemctl >/dev/null || systemctl --quiet enable darban
    say "systemd does not run here, so nothing is started."
    return 0
  fi
  systemctl daemon-reload
  sysctl --quiet --load "$LOCAL/lib/sysctl.d/60-darban.conf" ||
    say "net.core.rmem_max cannot be set here; see docs/how-to/install.md."
  if [ -z "$1" ]; then
    systemctl --quiet enable darban
    systemctl start darban
  elif [ "$(systemctl show --value --property ActiveState darban)" = inactive ]; then
    say "The service was not running and is left so: systemctl start darban"
  else
    systemctl restart darban
  fi
}

start_or_go_back() { # the release before, if any
  if start "$1"; then
    [ -z "$1" ] || point "$OPT/previous" "$1"
    return
  fi
  journalctl --no-pager --unit darban --lines 20 --output cat || true
  [ -n "$1" ] || fail "the service does not start; why stands above"
  switch "$1"
  start "$1" || true
  fail "the release does not start; why stands above. In use is $1 again"
}

can_encrypt() {
  [ "$ENCRYPTED" != yes ] || [ -z "$ROOT" ] || fail "ENCRYPTED=yes is for this box: without DESTDIR"
}

# Print the sections of the installed config that have addresses for encrypted DNS.
encrypted_sections() {
  as_service "$OPT/current/bin/python3" -P - "$ETC/config.toml" <<'PROGRAM'
import sys
from pathlib import Path

from resolver.config.load import load
from resolver.snapshot.config_files import DiskFiles

path = Path(sys.argv[1])
config = load(str(path), DiskFiles(path)).config
print("tls" if config.server.tls.listen else "")
print("front" if config.front.dns or config.front.dot or config.front.doh else "")
PROGRAM
}

# Put in force what the installed config says about encrypted DNS.
encrypt() {
  [ "$ENCRYPTED" = yes ] || return 0
  sections=$(encrypted_sections)
  case $sections in
    *front*) put_in_front ;;
    *tls*) if systemd_runs; then systemctl restart darban; fi ;;
    *) fail "$ETC/config.toml has neither [server.tls] nor [front]; see docs/how-to/encrypted-dns.md" ;;
  esac
  case $sections in
    *tls*) say "DNS over TLS is Darban's own; 'darban status' tells if its certificate is of no use." ;;
  esac
}

# Write dnsdist's config as [front] of the installed config says, and have both servers use it.
put_in_front() {
  command -v dnsdist >/dev/null || fail "no dnsdist: apt install dnsdist"
  if ! as_service "$OPT/current/bin/darban" export dnsdist-front --config "$ETC/config.toml" \
    >"$DNSDIST.new" || ! dnsdist --check-config --config "$DNSDIST.new"; then
    rm -f "$DNSDIST.new"
    fail "dnsdist is left as it is, for the reason above; see docs/how-to/encrypted-dns.md"
  fi
  chown root:_dnsdist "$DNSDIST.new"
  chmod 640 "$DNSDIST.new"
  if [ -e "$DNSDIST" ] && ! cmp -s "$DNSDIST.new" "$DNSDIST"; then mv "$DNSDIST" "$DNSDIST.old"; fi
  mv "$DNSDIST.new" "$DNSDIST"
  if systemd_runs; then
    systemctl restart darban
    systemctl enable --quiet dnsdist
    systemctl restart dnsdist
  fi
  say "dnsdist answers as [front] of $ETC/config.toml says."
}

# Remove all releases but the newest few, the one in use and the one before it.
prune() {
  current=$(points_to "$OPT/current")
  previous=$(points_to "$OPT/previous")
  find "$ROOT$OPT/releases" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %f\n' |
    sort -rn | tail -n "+$((KEPT + 1))" | cut -d' ' -f2 |
    while read -r name; do
      case $OPT/releases/$name in
        "$current" | "$previous") ;;
        *) rm -rf "$ROOT$OPT/releases/$name" ;;
      esac
    done
}

# ---- The commands ----

do_install() {
  alone
  is_not_packaged
  python_is_there
  can_encrypt
  export PIP_ROOT_USER_ACTION=ignore PIP_NO_CACHE_DIR=1
  choose_release
  build "$release"
  put_user "$release"
  put_config "$release"
  before=$(points_to "$OPT/current")
  if [ -n "$before" ] && [ -z "$ROOT" ]; then verify_history "$before"; fi
  use "$release"
  if [ "$before" = "$release" ]; then
    say "It is in use already. To put an edited config in force: darban reload"
  else
    start_or_go_back "$before"
    say "In use: $(basename "$release"). Back to the one before: make rollback"
  fi
  encrypt
  prune
}

do_rollback() {
  alone
  before=$(points_to "$OPT/current")
  release=$(points_to "$OPT/previous")
  [ -n "$release" ] || fail "there is no release to go back to"
  is_complete "$release" || fail "$release is no longer whole"
  warn_of_older_log "$release"
  use "$release"
  start_or_go_back "$before"
  say "In use: $(basename "$release")."
}

do_uninstall() {
  alone
  if systemd_runs; then systemctl --quiet disable --now darban-zones.path darban || true; fi
  rm -f "$ROOT$LOCAL"/lib/systemd/system/darban.service "$ROOT$LOCAL"/lib/systemd/system/darban-[lz]*.* \
    "$ROOT$LOCAL/lib/sysctl.d/60-darban.conf" \
    "$ROOT$LOCAL/lib/sysusers.d/darban.conf" "$ROOT$LOCAL/lib/tmpfiles.d/darban.conf" \
    "$ROOT$LOCAL/share/man/man8/darban.8" "$ROOT$LOCAL/bin/darban" "$ROOT$SUDOERS" \
    "$ROOT$LOCAL/share/bash-completion/completions/darban" \
    "$ROOT$LOCAL/share/zsh/site-functions/_darban" \
    "$ROOT$LOCAL/share/fish/vendor_completions.d/darban.fish" "$ROOT$LISTS"
  rm -rf "$ROOT$LOCAL/lib/darban"
  rmdir "$ROOT$(dirname "$LISTS")" 2>/dev/null || true
  rm -rf "$ROOT$OPT"
  if systemd_runs; then systemctl daemon-reload; fi
  say "Darban is removed. Kept: $ETC, $STATE and the user darban; to remove them too:"
  say "  rm -r $ETC $STATE && userdel darban"
}

case ${1:-} in
  install | rollback | uninstall) "do_$1" ;;
  *) fail "say what to do: install, rollback or uninstall" ;;
esac
