"""All attacks, in the order of the table."""

from tests.programs.attacks import (
    answers,
    clock_steps,
    cpu_bombs,
    exhaustion,
    forging,
    garbage,
    held,
    http_clients,
    hygiene,
    lost_names,
    million,
    mixed_servers,
    policy_source,
    silence,
    tcp_clients,
    tcp_hoards,
    truncation,
    upstream_questions,
)
from tests.programs.attacks.attack import Attack

ATTACKS: tuple[Attack, ...] = (
    *forging.ATTACKS,
    *upstream_questions.ATTACKS,
    *garbage.ATTACKS,
    *silence.ATTACKS,
    *mixed_servers.ATTACKS,
    *held.ATTACKS,
    *tcp_clients.ATTACKS,
    *http_clients.ATTACKS,
    *tcp_hoards.ATTACKS,
    *truncation.ATTACKS,
    *hygiene.ATTACKS,
    *lost_names.ATTACKS,
    *answers.ATTACKS,
    *cpu_bombs.ATTACKS,
    *exhaustion.ATTACKS,
    *clock_steps.ATTACKS,
    *policy_source.ATTACKS,
    *million.ATTACKS,
)
