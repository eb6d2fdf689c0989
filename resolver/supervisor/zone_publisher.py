"""Write the zones of the policy in force, and look whether Knot DNS serves them.

A child process writes them (``publish.writer``), at every change of what is in force: another
snapshot, or the end of an exemption; and after each reload, since somebody may have replaced the
files. Knot is not told: a path unit of systemd watches the file ``serials``. Whether it serves the
newest zones is asked over DNS, as a secondary does.

A zone is made where the hash of what decides it has changed (``publish.zone_inputs``), or its file
is not as it was written; with a higher serial and a checksum, the file ``serials`` last. The path
unit checks the zones (publish/check_zones.sh) and tells Knot, which notifies the secondaries. Until
its first transfer a secondary enforces the seeds of ``darban export`` (``publish.seeds``).

What must stay true:
- DNS is served whatever fails here. A failure is logged, in the status, and a metric.
"""

import asyncio
import json
import secrets
import socket
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from resolver.dns import names
from resolver.metrics.part import Part
from resolver.metrics.served_config import ServedConfig
from resolver.metrics.status import PublishStatus, ZoneStatus
from resolver.policy.moment import in_force
from resolver.policy.settings import Endpoint, Publication
from resolver.publish.serial_query import serial_in, serial_query
from resolver.publish.writer import WriteResult, zone_directory
from resolver.supervisor.background_tasks import wait_at_most
from resolver.system.background_priority import run_in_background
from resolver.system.interfaces import family_of
from resolver.system.log import log

_LOOK = 1.0
"""Seconds between two looks at what is in force."""
_ASK = 10.0
"""Seconds between two questions for the served serials, while all are as written."""
_RETRY = 15.0
"""Seconds until the zones are written again after a failure."""
_LATE = 120.0
"""Seconds after which zones that are still being written are late: 4 million names take 50."""
_NOT_ENDED = f"the process that writes them has not ended for {_LATE:.0f} s"
_ANSWER = 2.0
"""Seconds to wait for the answer of Knot."""
_MAX_PACKET = 4096

Published = tuple[str, frozenset[int], frozenset[int]]
"""The hash of a snapshot, and the places of the exemptions in force and of the hours that hold."""


class ZonePublisher(Part):
    """Keeps the zones as the policy is."""

    def __init__(self, config: ServedConfig) -> None:
        self._config = config
        self._status: PublishStatus | None = None
        self._written: Published | None = None
        self._changed = asyncio.Event()
        self._next_write = 0.0
        """By the monotonic clock; later than now after a failure."""

    def after_reload(self) -> None:
        """Write at once what differs in the files of the zones, also soon after a failure."""
        self._written, self._next_write = None, 0.0
        self._changed.set()

    def states(self) -> Iterable[object]:
        """A ``PublishStatus``, where the config publishes zones, once they were written."""
        return () if self._status is None else (self._status,)

    async def run(self) -> None:
        """Write the zones whenever they change, and ask for their serials, until cancelled."""
        next_question = 0.0
        while True:
            self._changed.clear()
            publication, now = self._config.compiled.settings.publish, time.monotonic()
            if publication is None:
                self._status = self._written = None
            elif self._written != _to_publish(self._config) and now >= self._next_write:
                self._next_write = 0.0 if await self._write(publication) else now + _RETRY
                next_question = 0.0
            if publication is not None and now >= next_question:
                is_served = await self._ask(publication.listen[0])
                next_question = now + (_ASK if is_served else _LOOK)
            await wait_at_most(_LOOK, self._changed)

    async def _write(self, publication: Publication) -> bool:
        """Write the zones of what is in force now; whether they could be written."""
        self._written = _to_publish(self._config)  # until ``after_reload``, also during this write
        directory = zone_directory(publication, self._config.file.parent, self._config.state)
        server, before = str(publication.listen[0]), self._status
        before = before or PublishStatus(str(directory), server, (), (), "")
        late = asyncio.get_running_loop().call_later(_LATE, self._fail, before, _NOT_ENDED)
        try:
            result = await self._written_by_child(directory)
        finally:
            late.cancel()
        zones, left_out = before.zones, before.left_out
        if not result.problem:
            log.info(
                "[publish] %d zones, of which %d were made", len(result.serials), len(result.made)
            )
            for remark in result.left_out:
                log.warning("[publish] %s", remark)
            served = {zone.name: zone.served for zone in zones}
            serials = result.serials.items()
            zones = tuple(ZoneStatus(zone, serial, served.get(zone)) for zone, serial in serials)
            left_out = tuple(result.left_out)
        now = PublishStatus(str(directory), server, zones, left_out, "")
        self._status = now
        if result.problem:
            self._written = None
            self._fail(now, result.problem)
        return not result.problem

    def _fail(self, status: PublishStatus, problem: str) -> None:
        """Say in the log and the status why the zones are not written."""
        log.error("the zones of [publish] cannot be written: %s", problem)
        self._status = replace(status, problem=problem)

    async def _written_by_child(self, directory: Path) -> WriteResult:
        try:
            printed, code = await run_in_background(
                "resolver.publish.writer", str(self._config.snapshot), str(directory)
            )
            return WriteResult(**json.loads(printed))
        except OSError as error:
            return WriteResult(problem=f"no process can write them ({error.strerror})")
        except ValueError:
            return WriteResult(problem=f"the process that writes them ended with {code}; see above")

    async def _ask(self, server: Endpoint) -> bool:
        """Ask Knot for the serials of all zones; whether it serves those that were written."""
        status = self._status
        if status is None:
            return False
        served = await served_serials(server, [zone.name for zone in status.zones])
        zones = tuple(replace(zone, served=served.get(zone.name)) for zone in status.zones)
        self._status = replace(status, zones=zones)
        return all(zone.served == zone.written for zone in zones)


def _to_publish(config: ServedConfig) -> Published:
    now = in_force(config.compiled, time.time())
    return config.hash, now.exemptions, now.hours


async def served_serials(server: Endpoint, zones: list[str]) -> dict[str, int]:
    """The serials of those zones that a server answers for, by their names."""
    loop = asyncio.get_running_loop()
    kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
    served = {}
    with socket.socket(family_of(server.address), kind) as udp:
        try:
            udp.connect((server.address, server.port))
            for zone in zones:
                name, ident = names.parse(zone), secrets.randbits(16)
                await loop.sock_sendall(udp, serial_query(name, ident))
                async with asyncio.timeout(_ANSWER):
                    packet = await loop.sock_recv(udp, _MAX_PACKET)
                serial = serial_in(packet, name, ident)
                if serial is not None:
                    served[zone] = serial
        except (OSError, TimeoutError):
            pass  # it does not run, or does not answer: what it serves is not known
    return served
