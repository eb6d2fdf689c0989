"""Who has what by two exemptions at once."""

import pytest

from resolver.policy.exemption_details import exemption_details
from resolver.policy.exemption_overlap import repeats, still_exempted
from tests.policy.networks import HOURLY, snapshot_of

BRANCH = """
[vlans.branch]
prefixes = ["10.10.3.128/25"]
policy = "administrative"

[[exemptions]]
id = "other"
{whom}
services = {services}
{times}
approver = "B"
ticket = "{ticket}"
"""
PREFIX = 'prefixes = ["10.10.3.0/24"]'
UNTIL = "until = 2027-03-01T00:00:00Z"
NOW = 1_796_000_000.0


def _config(whom: str, services: str = '["one"]', times: str = UNTIL, ticket: str = "T") -> str:
    return HOURLY + BRANCH.format(whom=whom, services=services, times=times, ticket=ticket)


@pytest.mark.parametrize(
    ("whom", "clients"),
    [
        (PREFIX, ("10.10.3.0/24",)),
        ('prefixes = ["10.10.0.0/16"]', ("10.10.3.0/24",)),
        ('prefixes = ["10.10.3.7/32", "10.10.4.7/32"]', ("10.10.3.7/32",)),
        ('prefixes = ["10.10.4.0/24"]', ()),
        ('vlan = "administration"', ("10.10.3.0/24",)),
        ('vlan = "branch"', ("10.10.3.128/25",)),
        ('vlan = "publicity"', ()),
    ],
)
def test_the_clients_that_both_are_for(whom: str, clients: tuple[str, ...]) -> None:
    compiled = snapshot_of(_config(whom, '["one", "two"]')).compiled
    shared = [
        (exempted.clients, exempted.services, exempted.by.id)
        for exempted in still_exempted(compiled, "pr", NOW)
    ]
    assert shared == ([(clients, ("one",), "other")] if clients else [])


def test_a_client_of_a_vlan_within_another_has_nothing_by_the_outer_one() -> None:
    config = _config('vlan = "administration"').replace("10.10.3.0/24", "10.10.3.200/32")
    assert not [*still_exempted(snapshot_of(config).compiled, "pr", NOW)]


def test_two_exemptions_of_one_vlan() -> None:
    config = _config('vlan = "branch"').replace(PREFIX, 'vlan = "branch"')
    [shared] = still_exempted(snapshot_of(config).compiled, "pr", NOW)
    assert shared.clients == ("branch",)


@pytest.mark.parametrize(
    ("services", "times"),
    [('["two"]', UNTIL), ('["one"]', "until = 2020-01-01T00:00:00Z")],
    ids=["other-services", "ended"],
)
def test_what_gives_nothing(services: str, times: str) -> None:
    assert not [*still_exempted(snapshot_of(_config(PREFIX, services, times)).compiled, "pr", NOW)]


@pytest.mark.parametrize(
    ("ticket", "times", "same"),
    [
        ("pr-1", f'hours = "office"\n{UNTIL}', True),
        ("PR-1", f'hours = "office"\nfrom = 2027-01-01T00:00:00Z\n{UNTIL}', True),
        ("PR-1", UNTIL, False),
        ("PR-2", f'hours = "office"\n{UNTIL}', False),
        (
            "PR-1",
            'hours = "office"\nfrom = 2027-03-20T20:29:59Z\nuntil = 2028-01-01T00:00:00Z',
            False,
        ),
    ],
    ids=["same", "later", "hours", "ticket", "after"],
)
def test_what_repeats_another(ticket: str, times: str, same: bool) -> None:
    compiled = snapshot_of(_config(PREFIX, times=times, ticket=ticket)).compiled
    one, other = exemption_details(compiled)
    assert repeats(one, other) is same
    assert repeats(other, one) is same
