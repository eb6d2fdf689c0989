"""The exemptions of a config, for people."""

import pytest

from resolver.policy.exemption_details import exemption_details, permits_anything
from tests.policy.networks import CONFIG, snapshot_of

FOR_PREFIX = 'prefixes = ["10.10.3.0/24"]\nservices'


def test_an_exemption_has_names_instead_of_indexes() -> None:
    (found,) = exemption_details(snapshot_of().compiled)
    assert (found.id, found.vlan, found.services) == ("pr", None, ("one",))
    assert found.prefixes == ("10.10.3.0/24",)
    (found,) = exemption_details(
        snapshot_of(CONFIG.replace(FOR_PREFIX, 'vlan = "publicity"\nservices')).compiled
    )
    assert (found.vlan, found.prefixes) == ("publicity", ())


@pytest.mark.parametrize(
    ("whom", "expected"),
    [
        ('prefixes = ["10.10.3.0/24"]', True),
        ('prefixes = ["10.20.3.0/24"]', False),
        ('prefixes = ["10.0.0.0/8"]', True),
        ('vlan = "administration"', True),
        ('vlan = "publicity"', False),
    ],
)
def test_an_exemption_permits_something_if_a_client_of_it_is_blocked(
    whom: str, expected: bool
) -> None:
    config = CONFIG.replace(FOR_PREFIX, f"{whom}\nservices")
    assert permits_anything(snapshot_of(config).compiled, 0) is expected
