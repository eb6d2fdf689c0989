"""Compile the settings of a config that are not policy."""

from resolver.config import model
from resolver.dns import names
from resolver.policy import settings
from resolver.policy.prefix import Prefix
from resolver.snapshot.front import compile_front


def compile_settings(config: model.Config) -> settings.Settings:
    """The settings of a config."""
    return settings.Settings(
        tuple(settings.Endpoint(e.address, e.port) for e in config.server.listen),
        config.server.workers,
        settings.Endpoint(config.metrics.listen.address, config.metrics.listen.port),
        tuple(settings.Endpoint(e.address, e.port) for e in config.block_page.listen),
        config.cache.max_bytes,
        tuple(settings.Endpoint(e.address, e.port) for e in config.upstream.bootstrap),
        config.limits.queries_per_prefix,
        _block_log(config.block_log),
        config.lists.ca_file or "",
        config.server.identity,
        config.server.version,
        tuple(settings.Endpoint(e.address, e.port) for e in config.server.proxy.listen),
        tuple(
            Prefix(each.network_address.packed, each.prefixlen, 0)
            for each in config.server.proxy.from_
        ),
        _publication(config.publish),
        compile_front(config),
        policy_source(config),
        names.text(config.upstream.probe_signed),
        names.text(config.upstream.probe_bogus),
    )


def policy_source(config: model.Config) -> settings.PolicySource | None:
    """The repository that the policy comes from; None where it is in config.toml alone."""
    source = config.policy_source
    if not source.repository:
        return None
    return settings.PolicySource(
        source.repository, source.branch, source.allowed_signers, source.max_newly_blocked
    )


def _block_log(log: model.BlockLogConfig) -> settings.BlockLog | None:
    if not log.enabled:
        return None
    return settings.BlockLog(log.file, log.client, log.retention_days, log.max_bytes)


def _publication(publish: model.PublishConfig) -> settings.Publication | None:
    if not publish.listen:
        return None
    secondaries = (
        settings.Secondary(key, settings.Endpoint(each.address.address, each.address.port))
        for key, each in publish.secondaries.items()
    )
    listen = tuple(settings.Endpoint(e.address, e.port) for e in publish.listen)
    return settings.Publication(listen, publish.zone, publish.directory, tuple(secondaries))
