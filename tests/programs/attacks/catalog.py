"""All attacks, in the order of the table."""

from tests.programs.attacks import (
    answers,
    cpu_bombs,
    forging,
    held,
    http_clients,
    hygiene,
    million,
    mixed_servers,
    neighbours,
    policy_source,
    service_addresses,
    silence,
    tcp_clients,
    tcp_hoards,
    tls_clients,
    truncation,
    upstream_questions,
)
from tests.programs.attacks.attack import Attack

ATTACKS: tuple[Attack, ...] = (
    *forging.ATTACKS,
    *upstream_questions.ATTACKS,
    *silence.ATTACKS,
    *mixed_servers.ATTACKS,
    *neighbours.ATTACKS,
    *held.ATTACKS,
    *tcp_clients.ATTACKS,
    *http_clients.ATTACKS,
    *tcp_hoards.ATTACKS,
    *tls_clients.ATTACKS,
    *truncation.ATTACKS,
    *hygiene.ATTACKS,
    *answers.ATTACKS,
    *service_addresses.ATTACKS,
    *cpu_bombs.ATTACKS,
    *policy_source.ATTACKS,
    *million.ATTACKS,
)
