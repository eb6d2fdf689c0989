"""Who may ask what: VLANs, verdicts, exemptions; a config compiled into a snapshot. Pure."""
