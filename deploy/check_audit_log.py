"""Check a copy of /var/lib/darban, without Darban: ``check_audit_log.py DIRECTORY [HEAD ...]``."""

import hashlib
import json
import sys
from pathlib import Path

state, heads = Path(sys.argv[1]), set(sys.argv[2:])
known, removed, wrong = dict[str, int](), dict[str, int](), list[str]()
number, before, missing, origin, chain = 0, "", 0, "", "0" * 64


def _lines(*names: str) -> list[tuple[int, bytes]]:  # the terminated ones, with their numbers
    texts = [(state / name).read_bytes() for name in names if (state / name).exists()]
    return [each for text in texts for each in enumerate(text.split(b"\n")[:-1], 1)]


for place, line in _lines("journal.1.jsonl", "journal.jsonl"):
    record = json.loads(line) if line.startswith(b'{"version": 2, "number": ') else {}
    found = hashlib.sha256(line).hexdigest()
    if record:
        missing, origin = (missing, origin) if known else (record["number"] - 1, record["before"])
        if before and (record["number"], record["before"]) != (number + 1, before):
            wrong.append(f"line {place}: it does not follow the line before")
        if record.get("removed"):
            removed[record["removed"]["hash"]] = record["removed"]["number"]
        known[found] = number = record["number"]
    elif known:
        wrong.append(f"line {place}: it has no number")
    before = found
if missing and removed.get(origin) != missing:
    wrong.append(f"the records up to {missing} are missing")
kept = state / "journal-head.json"
head = json.loads(kept.read_bytes()) if kept.exists() else {"number": number, "hash": before}
wrong += ["journal-head.json is missing"] * (not kept.exists())
if known.get(str(head["hash"])) != head["number"]:
    wrong.append(f"record {head['number']} is missing, with all after it, or was changed")
for place, line in _lines("journal-chain.1.jsonl", "journal-chain.jsonl"):  # before 1.2
    link, _, rest = line.rpartition(b', "chain": "')
    if hashlib.sha256(chain.encode() + link).hexdigest() != rest[:64].decode() and place > 1:
        wrong.append(f"line {place} of the chain: it does not follow the one before")
    known[chain := rest[:64].decode()] = 0
wrong += [f"no record has the head {each}" for each in heads - known.keys()]
print("\n".join(wrong) or f"whole; the head is record {head['number']}, {head['hash']}")
sys.exit(bool(wrong))
