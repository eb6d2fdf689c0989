"""What the parts say of themselves: found by type, and known also where no part says it."""

import dataclasses

import pytest

from resolver.metrics import part_states
from resolver.metrics.part_states import LinkState, PartStates, WorkersState
from resolver.metrics.status import CertificateStatus

TYPES = [
    item
    for item in vars(part_states).values()
    if isinstance(item, type) and dataclasses.is_dataclass(item)
    if item.__module__ == part_states.__name__
]


@pytest.mark.parametrize("kind", TYPES)
def test_what_no_part_says_has_its_default(kind: type) -> None:
    assert PartStates([]).of(kind) == kind()
    assert PartStates([]).find(kind) is None


def test_a_value_is_found_by_its_type() -> None:
    states = PartStates([WorkersState(serving=2), CertificateStatus("dns.pem")])
    assert states.of(WorkersState).serving == 2
    assert states.find(CertificateStatus) == CertificateStatus("dns.pem")
    assert states.of(LinkState).cut_since == 0.0
