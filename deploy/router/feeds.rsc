# RouterOS 7: rejects what the feeds of Darban say (docs/how-to/firewall.md). From its manual; not
# run here. place-before=0 puts the rules before established,related and fasttrack, which else let
# an open connection go on. A failed fetch ends the script before the import, and the lists stay.
/system scheduler add name=darban interval=1m on-event={
  /tool fetch url="http://10.0.0.53:9154/telegram/clients.rsc" dst-path=clients.rsc
  /import clients.rsc
  /tool fetch url="http://10.0.0.53:9154/telegram/ranges.rsc" dst-path=ranges.rsc
  /import ranges.rsc
}
/ip firewall filter add chain=forward place-before=0 src-address-list=darban-telegram-clients dst-address-list=darban-telegram-ranges action=reject reject-with=icmp-admin-prohibited
/ipv6 firewall filter add chain=forward place-before=0 src-address-list=darban-telegram-clients dst-address-list=darban-telegram-ranges action=reject reject-with=icmp-admin-prohibited
