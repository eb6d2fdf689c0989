"""What the zones for other resolvers do not have of a policy."""

from collections.abc import Iterator
from itertools import chain

from resolver.dns import names
from resolver.policy.compiled import CompiledConfig
from resolver.policy.effect import Effects
from resolver.policy.index import Index
from resolver.publish.client_prefixes import passing_prefixes
from resolver.publish.zone_text import longest_name


def left_out(compiled: CompiledConfig, index: Index, wall: float) -> list[str]:
    """A text for each; none where nothing is published. ``wall`` is in seconds since 1970."""
    publication = compiled.settings.publish
    if publication is None:
        return []
    longest = longest_name(compiled, publication)
    return [
        *map(str, passing_prefixes(compiled, wall).gaps),
        *(
            f"{names.text(name)}: too long a name for some zones"
            for name in dict.fromkeys(_names(compiled, index, longest))
        ),
    ]


def _names(compiled: CompiledConfig, index: Index, longest: int) -> Iterator[bytes]:
    """The names of rules that have more octets."""
    keys = index.keys_with_prefix(b"")
    yield from (names.from_index_key(key) for key in keys if len(key) >= longest)
    others = chain(
        chain.from_iterable(effect.own_rules.by_name for effect in Effects(compiled).of_policies),
        (local.name for local in compiled.local),
        (forward.zone for forward in compiled.forward),
    )
    yield from (name for name in others if len(name) > longest)
