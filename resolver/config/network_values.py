"""Values of config.toml about networks, as those in ``values``."""

from typing import Annotated

from resolver.config.values import (
    InvalidValue,
    Network,
    parse_address,
    read_name,
    read_prefix,
    reader,
)

_NAME_OR_PREFIX = 'a domain name or a prefix, such as "zen.spamhaus.org" or "10.10.34.34/31"'


def _read_name_or_prefix(text: str) -> bytes | Network:
    host = text.partition("/")[0]
    if parse_address(host) is not None:
        return read_prefix(text)
    if "/" in text:
        raise InvalidValue(_NAME_OR_PREFIX)
    return read_name(text)


NameOrPrefix = Annotated[bytes | Network, reader(_NAME_OR_PREFIX, _read_name_or_prefix)]
