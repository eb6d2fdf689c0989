"""Names and packets: scanning, rendering, ageing. Pure; nothing here opens a socket."""
