"""Hosts files: an address, and the names that shall have it.

``0.0.0.0 ads.example`` makes a name lead nowhere, and that name alone. Only addresses that
lead nowhere block; a line that gives a name some other address is a record, not a block.
"""

from resolver.lists.reading import RuleCollector, leads_nowhere, text_lines
from resolver.lists.rules import BlockList


def read(text: str, service: str, file: str) -> BlockList:
    """Read a whole hosts file."""
    reading = RuleCollector()
    for line, said in text_lines(text):
        address, *given = said.split()
        kind = leads_nowhere(address)
        if kind is None:
            reading.skip(line, said, "no address at the beginning of the line")
        elif not kind:
            reading.skip(line, said, "the address leads somewhere: a record, not a block")
        elif not given:
            reading.skip(line, said, "no name after the address")
        for name in given if kind else ():
            if reason := reading.read(name, line, subtree=False):
                reading.skip(line, said, reason)
    return reading.block_list(service, file)
