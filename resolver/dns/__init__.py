"""DNS wire format: names, scanning, rendering. Pure: nothing here opens a socket."""
