"""Check a copy of /var/lib/darban, without Darban: ``check_audit_log.py DIRECTORY [HEAD ...]``."""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

state, heads = Path(sys.argv[1]), set(sys.argv[2:])
known: dict[str, int] = {}
removed: dict[str, int] = {}
wrong: list[str] = []
begin: tuple[int, str] | None = None
number, before = 0, ""


def sha256(octets: bytes) -> str:
    """The hash as hexadecimal digits."""
    return hashlib.sha256(octets).hexdigest()


def lines(*names: str) -> Iterator[tuple[int, bytes]]:
    """The terminated lines of the files that are there, with their numbers."""
    for name in names:
        if (state / name).exists():
            yield from enumerate((state / name).read_bytes().split(b"\n")[:-1], 1)


for place, line in lines("journal.1.jsonl", "journal.jsonl"):
    record = json.loads(line) if line.startswith(b'{"version": 2, "number": ') else {}
    if record:
        begin = begin or (record["number"] - 1, record["before"])
        if before and (record["number"], record["before"]) != (number + 1, before):
            wrong.append(f"line {place}: it does not follow the line before")
        if record.get("removed"):
            removed[record["removed"]["hash"]] = record["removed"]["number"]
        known[sha256(line)] = number = record["number"]
    elif known:
        wrong.append(f"line {place}: it has no number")
    before = sha256(line)
if begin and begin[0] and removed.get(begin[1]) != begin[0]:
    wrong.append(f"the records up to {begin[0]} are missing")
head = json.loads((state / "journal-head.json").read_bytes())
if known.get(head["hash"]) != head["number"]:
    wrong.append(f"record {head['number']} is missing, with all after it, or was changed")
chain = "0" * 64  # of releases before 1.2, whose heads are here
for place, line in lines("journal-chain.1.jsonl", "journal-chain.jsonl"):
    link, _, rest = line.rpartition(b', "chain": "')
    if sha256(chain.encode() + link) != rest[:64].decode() and place > 1:
        wrong.append(f"line {place} of the chain: it does not follow the one before")
    chain = rest[:64].decode()
    known[chain] = 0
wrong += [f"no record has the head {each}" for each in heads - known.keys()]
print("\n".join(wrong) or f"whole; the head is record {head['number']}, {head['hash']}")
sys.exit(bool(wrong))
