"""A client within a VLAN: asks one question many times, and says what it was answered.

Run as a program, so that ``ip netns exec`` can start it: SERVER PORT NAME TYPE TIMES. It
waits for a line on standard input, so that several start at once, and prints how often it
got which addresses, as JSON. Every question comes from a port of its own.
"""

import json
import socket
import sys
from collections import Counter

from dnslib import DNSRecord

SILENCE = "silence"
_PATIENCE = 5.0
_ENOUGH_SILENCE = 2


def ask(server: str, port: int, name: str, rtype: str) -> str:
    """The answer's rcode and the data of its records, in one text."""
    query = DNSRecord.question(name, rtype)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.settimeout(_PATIENCE)
        asking.connect((server, port))
        asking.send(query.pack())
        try:
            answer = DNSRecord.parse(asking.recv(65535))
        except TimeoutError:
            return SILENCE
    if answer.header.id != query.header.id:
        return "another question's answer"
    return " ".join([str(answer.header.rcode), *(str(record.rdata) for record in answer.rr)])


def main() -> None:
    """Ask as the command line says."""
    server, port, name, rtype, times = sys.argv[1:6]
    print("ready", flush=True)
    sys.stdin.readline()
    got: Counter[str] = Counter()
    while got.total() < int(times) and got[SILENCE] < _ENOUGH_SILENCE:
        got[ask(server, int(port), name, rtype)] += 1
    print(json.dumps(+got))


if __name__ == "__main__":
    main()
