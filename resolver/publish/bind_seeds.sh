# shellcheck shell=sh
# Gives BIND a seed, which is a zone as it was at the export, for each zone file that is missing or
# damaged, and sets the time of the others, from which BIND counts until they expire. Without its
# zones, BIND lets all names pass. Run this before each start of BIND and before "rndc reconfig".
# "darban export bind" wrote this file.
#
#   darban-seeds.sh [DIRECTORY [USER]]            the "directory" of named.conf, the user of BIND
#   darban-seeds.sh --check [DIRECTORY [USER]]    only check, while BIND runs, for the next start
#
# BIND's check of 20,000 names takes 0.15 s of CPU time. So darban-checked, in DIRECTORY, has the
# hashes of the files that were good, and BIND's version. A file with another hash is checked.
#
# That user may write in the directory, and put links there: root becomes that user first.
set -eu
export LC_ALL=C
case ${1-} in
  --check) only_check=yes directory=${2-} user=${3:-bind} ;;
  *) only_check='' directory=${1-} user=${2:-bind} ;;
esac
if [ "$(id -u)" = 0 ] && [ "$user" != root ]; then
  exec setpriv --reuid="$user" --regid="$user" --init-groups sh "$0" "$@"
fi
here=$(cd "$(dirname "$0")" && pwd)
seeds=$here/darban-seeds
cd "${directory:-/var/cache/bind}"
command -v named-checkzone >/dev/null || { echo "there is no named-checkzone" >&2; exit 1; }
files=$(ls "$seeds")
[ -n "$files" ] || { echo "there is no seed in $seeds" >&2; exit 1; }

hashes() { # BIND's version, and "HASH  FILE" for each zone file and journal that is there
  named-checkzone -v
  for file in $files; do printf '%s\n' "$file" "$file.jnl"; done |
    xargs sha256sum -- 2>/dev/null || true
}

unchanged() { # HASHES: the zone files of which each hash is in darban-checked
  echo "$1" | awk '
    BEGIN { while ((getline line < "darban-checked") > 0) known[line] = 1 }
    NR == 1 { if (!($0 in known)) exit; next }
    { file = $2; if (!sub(/\.jnl$/, "", file)) there[file] = 1 }
    !($0 in known) { changed[file] = 1 }
    END { for (file in there) if (!(file in changed)) print file }'
}

found_good() { # those of the zone files on stdin that are good, by as many processes as CPUs
  # shellcheck disable=SC2016 # the shell of each process expands it
  xargs -r -n 1 -P "$(nproc)" sh -c '
    named-checkzone -q -j -i none -k ignore -- "${2%@*}" "./$2" 2>/dev/null || exit 0
    case $(head -n 1 "./$2") in # a seed; BIND writes others anew
      "; Darban "*) sh "$1/darban-zones.sh" "./$2" 2>/dev/null || exit 0 ;;
    esac
    echo "$2"' - "$here"
}

others() { # FILES: those of all zone files that are not among them
  { echo "$1"; echo "$files"; echo "$1"; } | sort | uniq -u
}

note() { # HASHES FILES: keep the hashes of these files
  rm -f darban-checked.new
  {
    echo "$1" | head -n 1
    echo "$1" | awk -v files="$2" '
      BEGIN { split(files, each, "\n"); for (n in each) good[each[n]] = 1 }
      { file = $2; sub(/\.jnl$/, "", file); if (NR > 1 && file in good) print }'
  } >darban-checked.new
  mv -fT darban-checked.new darban-checked
}

take() { # FROM FILE: a copy of it gets the place of FILE
  cp --remove-destination "$1" "$2.new"
  mv -fT "$2.new" "$2"
}

now=$(hashes)
good=$(unchanged "$now")
good=$(echo "$good" && others "$good" | found_good)
note "$now" "$good" || true # a full disk costs the time of the next start alone
[ -z "$only_check" ] || exit 0

for file in $good; do
  [ -O "$file" ] || take "./$file" "./$file" # of root, by a release before 1.1
done
for file in $good; do printf '%s\n' "$file" "$file.jnl"; done | xargs -r touch -c --
for file in $(others "$good"); do
  sh "$here/darban-zones.sh" "$seeds/$file" || exit # BIND does not start with a damaged one
  rm -f "./$file.jnl"
  take "$seeds/$file" "./$file"
  echo "the seed is in the place of $PWD/$file, which was missing or damaged"
done
