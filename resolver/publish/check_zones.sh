# shellcheck shell=sh
# Fails where a zone file has not the lines that were written, and names it: with such a file, a
# resolver lets names pass.
#   sh SCRIPT FILE...     these files
#   sh SCRIPT DIRECTORY   the zones that Darban has written there
#   sh SCRIPT             the zone files of darban-*.conf, the configs of Unbound beside the script
#
# The last line of a file of Darban has the count and the SHA-256 of the lines above. That of a file
# which Knot DNS has written, as a secondary, has the count of its records: there, a record that has
# become another is not found.
set -u

is_whole() { # FILE
  [ -f "$1" ] || return 1
  case $(head -n 1 "$1") in
    ';; Zone dump (Knot'*)
      [ "$(tail -n 2 "$1" | head -n 1)" = ";; Written $(grep -vc '^;' "$1") records" ]
      ;;
    *)
      lines=$(head -n -1 "$1" | wc -l)
      hash=$(head -n -1 "$1" | sha256sum)
      [ "$(tail -n 1 "$1")" = "; $lines lines above, SHA-256 ${hash%% *}" ]
      ;;
  esac
}

check() { # FILE...
  for file in "$@"; do
    if ! is_whole "$file"; then
      echo "$file is missing or damaged" >&2
      failed=1
    fi
  done
}

failed=0
if [ $# = 0 ]; then
  # shellcheck disable=SC2046 # no path in an exported config has a space
  set -- $(sed -n 's/^ *zonefile: "\(.*\)"$/\1/p' "$(dirname "$0")"/darban-*.conf)
  [ $# != 0 ] || failed=1 # sed says why
fi
for each in "$@"; do
  if [ ! -d "$each" ]; then
    check "$each"
  elif [ ! -s "$each/serials" ]; then
    echo "there is no $each/serials, which names the zones; Darban writes it" >&2
    failed=1
  else
    while read -r zone _; do check "$each/$zone.zone"; done <"$each/serials"
  fi
done
exit $failed
