"""The part of the config of Unbound that the tests share."""

ALONE = """
server:
  username: ""
  chroot: ""
  directory: "{place}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
remote-control:
  control-enable: no
"""
"""It keeps to a directory, and takes no command. More clauses may follow."""
