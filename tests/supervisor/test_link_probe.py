"""The names that the probe of the link abroad makes up."""

from resolver.config.network_values import MAX_PROBED
from resolver.dns import names
from resolver.supervisor.link_probe import made_up_name


def test_below_the_longest_domain_of_a_config_there_is_room_for_a_name() -> None:
    longest = b"".join(bytes((length,)) + b"a" * length for length in (63, 63, 63, 6)) + names.ROOT
    assert len(longest) == MAX_PROBED
    name = made_up_name(names.text(longest))
    assert name.endswith(longest)
    assert name != made_up_name(names.text(longest))
