"""Probe whether the upstreams find names abroad and names at home: the link abroad may be cut.

Every ten seconds the servers of the default group are asked for a name of ``[upstream]
probe_abroad``, and these and the fallback servers for one of ``probe_home``. Both names are made
up, so that no cache on the way has them: NXDOMAIN is an answer, and what the national filter
answers is none. Only where no server has an answer twice in a row, it counts as none.

Each worker decides from the result and from the answers to its questions which domains are cut
(``exchange.fallback``).
"""

import asyncio
import secrets
import time
from collections.abc import Iterable, Sequence

from resolver.dns import codes, names
from resolver.metrics.part import Part
from resolver.metrics.part_states import LinkState
from resolver.policy.filter_addresses import FilterAddresses
from resolver.policy.upstream_groups import DEFAULT_GROUP, FALLBACK_GROUP
from resolver.supervisor.rollout import Rollout
from resolver.system.log import log
from resolver.transport.tls_session import TlsError
from resolver.upstream.probe_queries import ProbeQuery, ask
from resolver.upstream.server_address import ServerAddress

_PAUSE = 10.0
"""Seconds between two probes."""
_AGAIN = 1.0
"""The same, after one that names abroad had no answer to."""
_ANSWERS = (codes.NOERROR, codes.NXDOMAIN)


class LinkProbe(Part):
    """Knows whether names abroad and at home are found."""

    def __init__(self, rollout: Rollout) -> None:
        self._rollout = rollout
        self._state = LinkState()
        self._failures = 0
        """Probes in a row that names abroad had no answer to."""

    def states(self) -> Iterable[object]:
        """A ``LinkState``."""
        yield self._state

    async def run(self) -> None:
        """Probe again and again, until cancelled."""
        while True:
            await self._probe()
            await asyncio.sleep(_AGAIN if self._failures else _PAUSE)

    async def _probe(self) -> None:
        """Probe once; report to the workers where names abroad are found no more, or again."""
        current = self._rollout.current
        settings = current.compiled.settings
        groups = current.hosts.groups()
        domains = settings.probe_abroad, settings.probe_home
        of_filter = FilterAddresses(current.compiled.filter_ranges)
        answers = await asyncio.gather(
            *(_answers(server, domains, of_filter) for server in groups[DEFAULT_GROUP]),
            *(
                _answers(server, domains[1:], of_filter)
                for server in groups.get(FALLBACK_GROUP, ())
            ),
        )
        answered = {domain for answer in answers for domain in answer}
        abroad, home = (domain in answered for domain in domains)
        self._failures = 0 if abroad else self._failures + 1
        if self._failures == 1:
            return
        before = self._state
        since = before.since if before.abroad is abroad else time.time()
        self._state = link = LinkState(abroad, home, since)
        if before.abroad is not abroad:
            self._rollout.use_link(is_abroad_silent=not abroad)
        was_cut = bool(before.cut_since)
        if link.cut_since and not was_cut:
            log.warning("names abroad get no answer, those at home do: the link abroad is cut")
        elif was_cut and abroad:
            log.info("names abroad get answers again")


async def _answers(
    server: ServerAddress, domains: Sequence[str], of_filter: FilterAddresses
) -> set[str]:
    """The domains for new names of which a server has an answer."""
    queries = [ProbeQuery(made_up_name(domain), 0, of_filter) for domain in domains]
    try:
        answers = await ask(server, queries)
    except TlsError:
        return set()
    both = zip(domains, answers, strict=True)
    return {domain for domain, answer in both if answer is not None and answer.rcode in _ANSWERS}


def made_up_name(domain: str) -> bytes:
    """A new name below a domain of the config, which leaves room for it."""
    return names.parse(f"darban-{secrets.token_hex(6)}.{domain}")
