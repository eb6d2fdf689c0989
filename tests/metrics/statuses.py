"""A status for the tests of what shows one."""

from resolver.metrics.status import Answers, CacheStatus, Status


def idle(at: float) -> Status:
    """A good server without lists and upstreams, which was never asked."""
    return Status(
        version="1.2.3",
        build="compiled",
        pid=42,
        config="/etc/darban/config.toml",
        at=at,
        started=at - 3725,
        snapshot="/var/lib/darban/snapshots/0123456789abcdef",
        hash="0123456789abcdef",
        policy_hash="2:fedcba9876543210",
        loaded=at - 60,
        config_ok=True,
        workers=2,
        workers_expected=2,
        worker_restarts=0,
        last_reload=None,
        vlans=(),
        upstreams=(),
        cache=CacheStatus(0, 0, 1, 0, 0, None),
        answers=Answers(0, 0),
        lists=(),
        fetched=(),
        exemptions=(),
        block_log=None,
    )
