"""Compile the settings of a config that are not policy."""

from collections.abc import Iterable, Iterator
from typing import Final

from resolver.compiler.prefixes import compile_prefixes
from resolver.config import model
from resolver.config.crosscheck import PUBLISHED_BELOW
from resolver.config.front_model import FeedsConfig
from resolver.config.network_values import SocketAddress
from resolver.config.tls_model import TlsConfig
from resolver.dns import names
from resolver.policy import settings

_MAX_NEWLY_BLOCKED: Final = 50
"""Recorded names that a commit of the policy may block newly, unless somebody accepts it."""


def compile_settings(config: model.Config, logo: str) -> settings.Settings:
    """The settings of a config; ``logo`` is that of the block page, as a data URI."""
    return settings.Settings(
        listen=_endpoints(config.server.listen),
        redirected=_endpoints(config.server.redirected),
        workers=config.server.workers,
        metrics=_endpoint(config.metrics.listen),
        block_page=_endpoints(config.block_page.listen),
        cache_bytes=config.cache.max_bytes,
        bootstrap=_endpoints(config.upstream.bootstrap),
        queries_per_prefix=config.limits.queries_per_prefix,
        block_log=_block_log(config.block_log),
        ca_file=config.lists.ca_file or "",
        identity=config.server.identity,
        proxied=_endpoints(config.server.proxy.listen),
        proxies=tuple(compile_prefixes([config.server.proxy.from_])),
        publish=_publication(config.publish),
        front=_front(config),
        policy_source=policy_source(config),
        probe_signed=names.text(config.upstream.probe_signed),
        probe_bogus=names.text(config.upstream.probe_bogus),
        tls=tls_settings(config.server.tls),
        report=_report(config.report),
        probe_abroad=names.text(config.upstream.probe_abroad),
        probe_home=names.text(config.upstream.probe_home),
        feeds=_feeds(config.feeds),
        page_head=settings.PageHead(config.block_page.name or "", logo),
        lists_signers=config.lists.allowed_signers or "",
    )


def compile_subscriptions(config: model.Config) -> Iterator[settings.Subscription]:
    """The lists of a config that are fetched."""
    for name, source in config.lists.sources.items():
        if source.url is not None:
            yield settings.Subscription(
                name, source.url, source.format, source.allowed_signers or ""
            )


def _report(report: model.ReportConfig) -> settings.ReportSettings:
    return settings.ReportSettings(
        time_zone=report.time_zone,
        smallest=report.smallest,
        national_filter=report.national_filter,
        name=report.name or "",
        logo=report.logo or "",
        sign_key=report.sign_key or "",
    )


def policy_source(config: model.Config) -> settings.PolicySource | None:
    """The repository that the policy comes from; None where it is in config.toml alone."""
    source = config.policy_source
    if not source.repository:
        return None
    return settings.PolicySource(
        repository=source.repository,
        branch=source.branch,
        allowed_signers=source.allowed_signers,
        max_newly_blocked=_MAX_NEWLY_BLOCKED,
        expires_days=source.expires_days,
    )


def _block_log(log: model.BlockLogConfig) -> settings.BlockLog | None:
    if not log.enabled:
        return None
    return settings.BlockLog(log.client, log.retention_days, log.max_bytes)


def _publication(publish: model.PublishConfig) -> settings.Publication | None:
    if not publish.listen:
        return None
    secondaries = tuple(
        settings.Secondary(key, _endpoint(secondary.address))
        for key, secondary in publish.secondaries.items()
    )
    return settings.Publication(
        listen=_endpoints(publish.listen),
        zone=PUBLISHED_BELOW,
        directory=publish.directory,
        secondaries=secondaries,
    )


def tls_settings(tls: TlsConfig) -> settings.TlsSettings | None:
    """The settings of DNS over TLS; None where it is not served."""
    if not tls.listen:
        return None
    return settings.TlsSettings(_endpoints(tls.listen), tls.certificate or "", tls.key or "")


def _front(config: model.Config) -> settings.Front | None:
    """The settings of dnsdist in front; None if the config has none."""
    front = config.front
    if not front.answers:
        return None
    return settings.Front(
        name="" if front.name is None else names.text(front.name),
        certificate=front.certificate or "",
        key=front.key or "",
        dns=_endpoints(front.dns),
        dot=_endpoints(front.dot),
        doh=_endpoints(front.doh),
        nodes=_endpoints(front.nodes or config.server.proxy.listen),
    )


def _feeds(feeds: FeedsConfig) -> settings.Feeds:
    return settings.Feeds(_endpoints(feeds.listen), tuple(compile_prefixes([feeds.from_])))


def _endpoints(addresses: Iterable[SocketAddress]) -> tuple[settings.Endpoint, ...]:
    return tuple(map(_endpoint, addresses))


def _endpoint(at: SocketAddress) -> settings.Endpoint:
    return settings.Endpoint(str(at.address), at.port)
