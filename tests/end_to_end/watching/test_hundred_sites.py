"""A centre that watches a hundred sites, with the files of deploy/sites: who is told of what.

Two sites have a real server each: one is a target of the centre, the other has a Prometheus of its
own, which sends its series. The others repeat the metrics of the first, each at an address of its
own. All times are shorter.
"""

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.live.alerting import SITES, Alerting, alerting, serving, with_times
from tests.live.configs import replaced_once
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.prometheus import SHIPPED, Prometheus
from tests.live.running import running
from tests.live.server import Server
from tests.live.waiting import wait_for

FASTER = {"15s": "2s", "5s": "2s", "10s": "2s", "30s": "3s", "1m": "8s", "5m": "20s"}
RULES = (SHIPPED / "recording.yml", SHIPPED / "alerts.yml", SITES / "sites.yml")
REPEATED = [f"site-{number:02}" for number in range(98)]
SENDS = "tabriz"
WATCHED = "main"


@dataclass(frozen=True)
class Centre:
    """What runs."""

    prometheus: Prometheus
    alerting: Alerting
    server: Server
    """That of the site ``main``."""
    sender: "subprocess.Popen[bytes]"
    """The Prometheus of the site ``tabriz``."""
    silent: set[str]
    """The addresses of sites that do not answer."""

    def is_told(self, alert: str, site: str = "") -> bool:
        """Whether webhook and mail server have an alert of a site."""
        group = alert, site
        return group in self.alerting.paged() and self.alerting.mailed(group) > 0


def _address(site: str) -> str:
    return f"127.1.0.{REPEATED.index(site) + 1}"


@contextmanager
def _repeating(text: bytes, silent: set[str]) -> Iterator[int]:
    """Serve a text at every address of this host, but for some; the port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.connection.getsockname()[0] in silent:
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("", 0), Handler)
    server.daemon_threads = True
    with serving(server) as port:
        yield port


def _inventory(directory: Path, metrics: int, repeated: int) -> Path:
    boxes = {"ns1.main": {"site": WATCHED, "address": "127.0.0.1", "metrics_port": metrics}}
    for site in REPEATED:
        box = {"site": site, "address": _address(site), "metrics_port": repeated}
        boxes[f"ns1.{site}"] = box
    path = directory / "inventory.json"
    path.write_text(json.dumps({"darban": {"hosts": boxes}}), encoding="utf-8")
    return path


def _write_targets(directory: Path, inventory: Path) -> None:
    """Run the playbook that makes the targets of an inventory."""
    playbook = SITES / "ansible" / "targets.yml"
    where = f"directory={directory}/targets"
    command = (needed("ansible-playbook"), "-i", inventory, playbook, "-e", where)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def _prometheus(
    config: Path, *options: str
) -> Iterator[tuple[Prometheus, "subprocess.Popen[bytes]"]]:
    served = Prometheus(free_port())
    command: list[str | Path] = [
        *(needed("prometheus"), f"--config.file={config}", "--log.level=warn"),
        *options,
        *(f"--storage.tsdb.path={config}.data", f"--web.listen-address=127.0.0.1:{served.port}"),
    ]
    with running(command, f"{config}.log") as process:
        wait_for(lambda: _is_ready(served, process), "Prometheus is ready", 30)
        yield served, process


def _is_ready(served: Prometheus, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "it has ended: see its log beside its config"
    try:
        url = f"http://127.0.0.1:{served.port}/-/ready"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def _centre_config(directory: Path, alertmanager: int) -> Path:
    for path in RULES:
        text = with_times(path.read_text(encoding="utf-8"), FASTER)
        (directory / path.name).write_text(text, encoding="utf-8")
    text = (SITES / "prometheus.yml").read_text(encoding="utf-8")
    text = replaced_once(text, "127.0.0.1:9093", f"127.0.0.1:{alertmanager}")
    config = directory / "prometheus.yml"
    config.write_text(with_times(text, FASTER), encoding="utf-8")
    return config


def _sender_config(directory: Path, metrics: int, centre: int) -> Path:
    text = (SITES / "site-prometheus.yml").read_text(encoding="utf-8")
    targets = '["10.7.0.61:9153", "10.7.0.62:9153"]'
    text = replaced_once(text, targets, f'["127.0.0.1:{metrics}"]')
    text = replaced_once(text, "https://prometheus.ministry.example", f"http://127.0.0.1:{centre}")
    (directory / "password").write_text("secret", encoding="utf-8")
    text = replaced_once(text, "/etc/prometheus/centre-password", str(directory / "password"))
    config = directory / "site-prometheus.yml"
    config.write_text(with_times(text, FASTER), encoding="utf-8")
    return config


@pytest.fixture
def centre(make_small: Callable[..., Server], tmp_path: Path) -> Iterator[Centre]:
    for program in ("ansible-playbook", "prometheus", "prometheus-alertmanager"):
        needed(program)
    server, other = make_small().start(), make_small().start()
    metrics = f"http://127.0.0.1:{server.metrics_port}/metrics"
    with urllib.request.urlopen(metrics, timeout=10) as answer:
        text = answer.read()
    silent: set[str] = set()
    with (
        _repeating(text, silent) as repeated,
        alerting(tmp_path, FASTER) as alertmanager,
    ):
        _write_targets(tmp_path, _inventory(tmp_path, server.metrics_port, repeated))
        config = _centre_config(tmp_path, alertmanager.port)
        options = ("--web.enable-remote-write-receiver", "--query.lookback-delta=10s")
        with _prometheus(config, *options) as (served, _):
            sender_config = _sender_config(tmp_path, other.metrics_port, served.port)
            with _prometheus(sender_config) as (_, sender):
                yield Centre(served, alertmanager, server, sender, silent)


def test_who_is_told_of_a_site_that_goes_silent(
    centre: Centre, figure: Callable[[str], None]
) -> None:
    served, told = centre.prometheus, centre.alerting
    up = 'count(count by (site) (up{job="darban"} == 1))'
    wait_for(lambda: served.value(up) == 100, "all sites are watched", 30)
    assert served.vector('ALERTS{alertstate="firing"}') == {}

    centre.server.kill_what_is_left()
    centre.silent.add(_address("site-42"))
    centre.sender.send_signal(signal.SIGKILL)
    gone = [("DarbanDown", site) for site in (WATCHED, "site-42", SENDS)]
    for group in gone:
        wait_for(lambda group=group: centre.is_told(*group), f"{group} is told", 60)
    assert sorted(told.paged()) == sorted(gone)

    centre.silent.update(map(_address, REPEATED))
    wait_for(lambda: centre.is_told("DarbanManySitesDown"), "most sites are silent", 30)
    wait_for(lambda: told.inhibited() >= len(REPEATED), "each of them is known", 30)
    most = ("DarbanManySitesDown", "")
    assert sorted(told.paged()) == sorted([*gone, most]), "each once, and no other site"
    assert [told.mailed(group) for group in (*gone, most)] == [1] * 4
    figure(f"a hundred sites: {len(told.pages)} pages, {len(told.mails)} mails: {told.paged()}")
