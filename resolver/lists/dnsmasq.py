"""dnsmasq's options, as its configuration files have them.

Each covers the names between its slashes and all below them. Blocking are ``server=/name/``
and ``local=/name/`` (never ask anybody, so: no such name), ``address=/name/`` (no such name)
and ``address=`` with an address that leads nowhere. ``server=/name/#`` sends a name to the
usual servers though a name above it is blocked: an exception.
"""

from resolver.lists.reading import RuleCollector, leads_nowhere, text_lines
from resolver.lists.rules import BlockList

_BLOCK, _EXCEPTION = "block", "exception"
_NULL = "#"


def read(text: str, service: str, file: str) -> BlockList:
    """Read a whole configuration file."""
    reading = RuleCollector()
    # a comment within a line needs a space before it: '#' has other meanings as well
    for line, said in text_lines(text.replace("\t", " "), comment=" #"):
        if said.startswith("#"):
            continue
        names, effect = _option(said)
        if not names:
            reading.skip(line, said, effect)
        for name in names:
            exception = effect == _EXCEPTION
            if reason := reading.read(name, line, subtree=True, exception=exception):
                reading.skip(line, said, reason)
    return reading.block_list(service, file)


def _option(said: str) -> tuple[list[str], str]:
    """The names of an option and what it does to them; without names, why it gives no rule."""
    option, _, value = said.partition("=")
    option, value = option.strip().removeprefix("--"), value.strip()
    if option not in ("server", "local", "address"):
        return [], f"no option that blocks: '{option}'"
    empty, *names = value.split("/")
    if empty or len(names) < 2:
        return [], "no name between slashes"
    names, target = names[:-1], names[-1].strip()
    if not target:
        return names, _BLOCK
    if option == "address":
        if target == _NULL or leads_nowhere(target):
            return names, _BLOCK
        return [], "the address leads somewhere: a record, not a block"
    if target == _NULL:
        return names, _EXCEPTION
    return [], "names another server to ask: not a block"
