"""Pi-hole's gravity.db and AdGuard Home's YAML, made into a first config.

How it works: ``pihole`` reads a gravity.db, ``adguard`` an AdGuardHome.yaml; each makes an
``OldSetup`` (``old_setup``). ``imported_config`` makes the text of a config of it.

What must stay true:
- A file that is read is somebody else's: its size is bounded, nothing in it is executed, and every
  value of it is quoted or cleaned before it is part of a config.
- A setting that is not understood exactly is never guessed. It is in ``OldSetup.left``, with what
  follows from it.
"""
