"""Where counts could name a person: VLANs and exemptions that hold few addresses."""

from resolver.policy.compiled import CompiledConfig
from resolver.policy.prefixes import by_owner, common, host_capacity, network_of


def vlans_with_few_exempted(compiled: CompiledConfig, fewest: int) -> frozenset[str]:
    """The VLANs in which an exemption holds fewer than ``fewest`` addresses, ended or not."""
    of_vlan = by_owner(compiled.prefixes)
    exempted = by_owner(compiled.exempted_prefixes)
    networks_of = {
        index: [network_of(prefix) for prefix in of_vlan.get(index, ())]
        for index in range(len(compiled.vlans))
    }
    few: set[int] = set()
    for index, exemption in enumerate(compiled.exemptions):
        if (vlan := exemption.vlan) is not None:
            hosts = {vlan: host_capacity(networks_of[vlan])}
        else:
            networks = [network_of(prefix) for prefix in exempted.get(index, ())]
            hosts = {
                vlan: host_capacity(common(prefixes, networks))
                for vlan, prefixes in networks_of.items()
            }
        few.update(vlan for vlan, addresses in hosts.items() if 0 < addresses < fewest)
    return frozenset(compiled.vlans[vlan].name for vlan in few)
