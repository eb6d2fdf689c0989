# RouterOS 7: sends the queries for other resolvers to Darban (docs/how-to/redirect.md). From its
# manual; not run here. The list darban-servers has Darban, its Unbound and the domain controllers.
# The same in /ipv6 firewall nat and /ipv6 firewall filter, with to-address=fd00::53/128.
/ip firewall address-list add list=darban-servers address=10.0.0.53
/ip firewall nat
add chain=dstnat in-interface=vlan10 protocol=udp dst-port=53 dst-address-list=!darban-servers action=dst-nat to-addresses=10.0.0.53 to-ports=5353
add chain=dstnat in-interface=vlan10 protocol=tcp dst-port=53 dst-address-list=!darban-servers action=dst-nat to-addresses=10.0.0.53 to-ports=5353
/ip firewall filter
add chain=forward place-before=0 in-interface=vlan10 protocol=tcp dst-port=853 dst-address-list=!darban-servers action=reject reject-with=tcp-reset
add chain=forward place-before=0 in-interface=vlan10 protocol=udp dst-port=853 dst-address-list=!darban-servers action=reject reject-with=icmp-port-unreachable
