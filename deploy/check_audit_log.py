"""Check the records in a copy of /var/lib/darban, without Darban; not its figures and kept texts.

``check_audit_log.py DIRECTORY [HEAD ...]``: a HEAD is NUMBER:HASH, or a hash alone. It exits with 0
for whole, 1 for not whole, 2 for a file that cannot be read, 4 for a HEAD that is not checkable.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

OLDER, LOG, HEAD = "journal.1.jsonl", "journal.jsonl", "journal-head.json"
CHAINS = ("journal-chain.1.jsonl", "journal-chain.jsonl")  # of releases before 1.2
FULL = 64 << 20  # octets of a file that is closed by a record "rotated"
files, known, wrong, unsure = dict[str, bytes](), dict[str, int](), list[str](), list[str]()
first, last, adopted, witnessed = dict[str, Any](), dict[str, Any](), dict[str, Any](), list[Any]()
before, is_rotated, chain = "", False, b"0" * 64


def _parsed(text: bytes) -> dict[str, Any]:  # a record or a head; empty for anything else
    try:
        parsed = json.loads(text)
        up = parsed.get("time", 0) - parsed.get("offset", 0)
        late = parsed.get("event") == "sealed" and str(parsed.get("release")).startswith("1.2.")
        more = {"up": up, "latest": up + (10 if late else 0.001)}  # seals of 1.2: an earlier clock
        return {"boot": "", "time": 0, **parsed, **more} if parsed["number"] > 0 else {}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


for path in (Path(sys.argv[1], name) for name in (OLDER, LOG, HEAD, *CHAINS)):
    if path.exists() and not (path.is_file() and path.stat().st_size <= 2 * FULL):
        print(f"{path}: no regular file, or too large")
        sys.exit(2)
    if path.exists() and not any(path.samefile(path.with_name(name)) for name in files):
        files[path.name] = path.read_bytes()
for name, octets in ((OLDER, 0), (LOG, 0)):
    for at, line in enumerate(files.get(name, b"").split(b"\n")[:-1], 1):
        place, record, digest = f"{name}, line {at}", _parsed(line), sha256(line).hexdigest()
        event, first = record.get("event"), first or record
        if event == "adopted" and record.get("lines") == sha256(files[name][:octets]).hexdigest():
            adopted = record | {"in": name}
        elif event == "adopted" or (record and before and not last):
            wrong.append(f"{place}: the lines before it are not as they were then")
        if last and (record.get("number"), record.get("before")) != (last["number"] + 1, before):
            wrong.append(f"{place}: it does not follow the line before")
        elif last and "" != last["boot"] == record["boot"] and record["latest"] < last["up"]:
            wrong.append(f"{place}: by CLOCK_BOOTTIME it is older than the line before")
        if event == "lost" or (event == "rotated" and octets < FULL):
            wrong.append(f"{place}: {event}: the lines before it are not all that were written")
        gone = {"number": first.get("number", 0) - 1, "hash": first.get("before")}
        is_rotated |= (name, event, record.get("removed")) == (OLDER, "rotated", gone)
        for then in witnessed if record else ():
            key, low = ("latest", "up") if record["boot"] == then["boot"] else ("time", "time")
            wrong += [f"{place}: it is of a time before a HEAD"] * (record[key] < then[low])
        witnessed += [record] * any(text.lower().endswith(digest) for text in sys.argv[2:])
        known[digest] = record.get("number", 0)
        before, last, octets = digest, record or last, octets + len(line) + 1
origin, head = first.get("number", 1) - 1, _parsed(files.get(HEAD, b""))
wrong += [f"the records up to {origin} are missing"] * (origin > 0 and not is_rotated)
for name in (OLDER, *CHAINS) if adopted else ():
    now = sha256(files[name]).hexdigest() if name in files else None
    if name != adopted["in"] and adopted["files"].get(name) != now:
        wrong.append(f"{name}: it is not as it was when record {adopted['number']} was written")
if not (first.get("verified") or "exit status 0").rstrip().endswith("exit status 0"):
    wrong.append("the release before 1.2 did not find its log whole")
if known.get(str(head.get("hash"))) != head["number"] if head else last.get("number", 1) > 1:
    wrong.append(f"{HEAD}: missing, damaged, or of a record that the log does not have")
for at, line in enumerate(b"".join(files.get(name, b"") for name in CHAINS).splitlines()):
    link, _, rest = line.rpartition(b', "chain": "')
    is_next = sha256(chain + link).hexdigest().encode() == rest[:64]
    wrong += [f"line {at + 1} of the chain does not follow the one before"] * (at and not is_next)
    known[(chain := rest[:64]).decode("latin-1")] = 0
for text in map(str.lower, sys.argv[2:]):
    noted, digest = text.rpartition(":")[::2]
    number = int(noted) if noted.isdecimal() else 0
    is_in = digest in known or (origin and digest == first.get("before") and number in (0, origin))
    may_be_gone = (is_rotated and number < origin) or (adopted and not number)
    if not is_in:
        (unsure if may_be_gone else wrong).append(f"no record has the head {text}")
print("\n".join([*wrong, *unsure]) or f"whole; the head is {last.get('number', 0)}:{before}")
sys.exit(1 if wrong else 4 if unsure else 0)
