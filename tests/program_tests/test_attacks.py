"""The quick attacks, as ordinary tests; ``python -m tests.programs.attacks`` has them all."""

import pytest

from tests.programs.attacks import __main__ as attacks
from tests.programs.attacks import cpu_bombs
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.catalog import ATTACKS

QUICK = [attack for attack in ATTACKS if attack.quick]


@pytest.mark.end_to_end
@pytest.mark.parametrize("attack", QUICK, ids=[attack.name for attack in QUICK])
def test_what_is_wanted_holds(attack: Attack) -> None:
    """A time is judged by ``make attacks`` alone, which knows how busy the machine is."""
    seen = attack.run()
    assert seen.good or seen.late, f"wanted: {attack.wanted}; seen: {seen.text}"


def test_no_packet_takes_out_of_all_proportion() -> None:
    """A bound for loaded machines: it finds what is quadratic, not what is a little slow."""
    taken = {**cpu_bombs.scans(), **cpu_bombs.whole()}
    assert max(taken.values()) < 40 * cpu_bombs.BUDGET, taken


def test_every_attack_has_a_name_of_its_own() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("busy", "first", "tries", "good"),
    [
        (True, Seen(False, "690 ms", late=True), 2, True),
        (False, Seen(False, "690 ms", late=True), 1, False),
        (True, Seen(False, "1 of 10 poisoned"), 1, False),
    ],
)
def test_only_what_takes_long_on_a_busy_machine_is_repeated(
    busy: bool, first: Seen, tries: int, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attacks, "is_busy", lambda _: busy)
    seen = [first, Seen(True, "2 ms")]
    run = iter(seen)
    assert attacks.tried(Attack("slow", "within 50 ms", lambda: next(run))).good is good
    assert len(list(run)) == len(seen) - tries
