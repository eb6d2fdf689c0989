"""An exemption put into a config's file: what must be right first, then the file, at once.

``darban exempt`` does this in its own process. The config with the exemption in it is
compiled and its expectations run before the file is touched.
"""

import time
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path

from resolver.config.amendment import add_exemption
from resolver.config.problems import did_you_mean
from resolver.config.values import Network
from resolver.errors import DarbanError
from resolver.files import write_atomically
from resolver.policy.compiled import Terms
from resolver.snapshot.candidate import FAILED_EXPECTATIONS, WRONG_CONFIG
from resolver.snapshot.compiler import CompileResult, DiskFiles, compile_file


class ExemptionRefused(DarbanError):
    """The exemption cannot be put in force; ``code`` is the exit code that says why."""

    def __init__(self, lines: list[str], code: int) -> None:
        self.code = code
        super().__init__("\n".join([*lines, "the config stays as it is"]))


class ExemptionEdit:
    """A config's file, before an exemption is written into it."""

    def __init__(self, path: Path, in_force: str | None) -> None:
        """``in_force`` is the hash of what its server has in force; None where none runs.

        Raises:
            ExemptionRefused: nothing may be written into it now.
        """
        self._path = path
        try:
            self._octets = path.read_bytes()
            self._text = self._octets.decode()
        except (OSError, UnicodeDecodeError) as error:
            raise ExemptionRefused([f"{path}: {error}"], WRONG_CONFIG) from None
        self._now = time.time()
        self._before = self._compiled(self._text)
        if in_force not in (None, self._before.snapshot.hash()):
            raise ExemptionRefused([_not_reloaded(path)], WRONG_CONFIG)
        self.ids = {exemption.id for exemption in self._before.loaded.config.exemptions}

    def whom(self, text: str) -> dict[str, object]:
        """The key that says whom an exemption is for: a VLAN by its name, or a prefix."""
        vlans = self._before.loaded.config.vlans
        if text in vlans:
            return {"vlan": text}
        network = _network(text)
        if network is None:
            known = ", ".join(vlans)
            raise DarbanError(
                f"'{text}' is neither an address, nor a prefix, nor a VLAN; there are {known}. "
                + did_you_mean(text, vlans)
            )
        if not any(
            network.version == own.version and network.overlaps(own)
            for vlan in vlans.values()
            for own in vlan.prefixes
        ):
            raise DarbanError(f"no VLAN holds {text}: its queries are refused, whatever is lifted")
        return {"prefixes": [str(network)]}

    def write(self, exemption: Mapping[str, object]) -> list[str]:
        """Write the exemption, once it is known to be right; what ``check`` then warns of."""
        text = add_exemption(self._text, exemption)
        after = self._compiled(text)
        if not _lifts_something(after.snapshot.terms, str(exemption["id"])):
            raise ExemptionRefused(
                ["nothing of it is blocked there: there is nothing to lift"], WRONG_CONFIG
            )
        self._replace(text.encode())
        return sorted({str(p) for p in after.problems} - {str(p) for p in self._before.problems})

    def _compiled(self, text: str) -> CompileResult:
        compiled = compile_file(self._path, self._now, DiskFiles({str(self._path): text}))
        if compiled.errors:
            raise ExemptionRefused([str(problem) for problem in compiled.errors], WRONG_CONFIG)
        if compiled.failed:
            failed = [str(each) for each in compiled.failed]
            raise ExemptionRefused(["expectations that do not hold:", *failed], FAILED_EXPECTATIONS)
        return compiled

    def _replace(self, octets: bytes) -> None:
        path = self._path.resolve()
        if path.read_bytes() != self._octets:
            raise ExemptionRefused([f"{path} was edited meanwhile; try again"], WRONG_CONFIG)
        try:
            write_atomically(path, octets)
        except OSError as error:
            raise ExemptionRefused(
                [f"{path} cannot be written ({error.strerror})"], WRONG_CONFIG
            ) from None


def _not_reloaded(path: Path) -> str:
    return (
        f"{path} or a list was edited and not reloaded, and that would go in force with the "
        "exemption; 'darban diff' shows it, 'darban reload' puts it in force"
    )


def _network(text: str) -> Network | None:
    try:
        return ip_network(text) if "/" in text else ip_network(ip_address(text))
    except ValueError:
        return None


def _lifts_something(terms: Terms, name: str) -> bool:
    """Whether an exemption has to do with what some client is denied."""
    [place] = [place for place, each in enumerate(terms.exemptions) if each.id == name]
    exemption = terms.exemptions[place]
    if exemption.vlan is not None:
        concerned = {exemption.vlan}
    else:
        own = [
            ip_network((p.network, p.length)) for p in terms.exempted_prefixes if p.owner == place
        ]
        concerned = {
            prefix.owner
            for prefix in terms.prefixes
            for each in own
            if len(prefix.network) == len(each.network_address.packed)
            and each.overlaps(ip_network((prefix.network, prefix.length)))
        }
    policies = [terms.policies[terms.vlans[vlan].policy] for vlan in concerned]
    return any(policy.blocks & exemption.services for policy in policies)
