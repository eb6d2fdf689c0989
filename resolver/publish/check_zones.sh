# shellcheck shell=sh
# Fails where a zone file has not the lines that were written, where it is the file of another zone,
# or an earlier one than "serials" beside it says, and names it: with such a file, a resolver lets
# names pass.
#   sh SCRIPT FILE...     these files
#   sh SCRIPT DIRECTORY   the zones that Darban has written there
#   sh SCRIPT             the zone files of darban-*.conf, the configs of Unbound beside the script
#
# The last line of a file of Darban has the count and the SHA-256 of the lines above. That of a file
# which Knot DNS has written, as a secondary, has the count of its records: there, a record that has
# become another is not found. Zone and serial are among the lines above: $ORIGIN and SOA. The zone is
# also the name of the file: ZONE.zone, or for BIND, ZONE@VIEW.
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

# shellcheck disable=SC2016 # $ORIGIN is a text
zone_and_serial() { # FILE, which is whole
  case $(head -n 1 "$1") in
    ';; Zone dump (Knot'*) sed -n '2s/^\([^[:space:]]*\)\..* \([0-9]*\) .* .* .* .*$/\1 \2/p' "$1" ;;
    *) sed -n '2s/^$ORIGIN \(.*\)\.$/\1/p; 4s/^@ SOA .* .* \([0-9]*\) .* .* .* .*$/\1/p' "$1" ;;
  esac
}

written_last() { # ZONE FILE: the serial that Darban has written last, where it writes the file
  sed -n "s/^$1 \([0-9]*\)$/\1/p" "$(dirname "$2")/serials" 2>/dev/null
}

wrong() { # ZONE FILE: what is wrong with the file of the zone; nothing where it is right
  is_whole "$2" || { echo "is missing or damaged"; return; }
  # shellcheck disable=SC2046 # neither has a space
  set -- "$1" "$(written_last "$1" "$2")" $(zone_and_serial "$2")
  if [ "$1" != "${3-}" ]; then
    echo "has another zone: ${3-}"
  elif [ "$4" -lt "${2:-0}" ]; then
    echo "is an earlier one: found the serial $4; expected $2, as in serials"
  fi
}

check() { # FILE...
  for file in "$@"; do
    zone=$(basename "$file" .zone)
    why=$(wrong "${zone%@*}" "$file")
    if [ -n "$why" ]; then
      echo "$file $why" >&2
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
