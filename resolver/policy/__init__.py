"""The compiled policy: VLANs, rule index, views, verdicts, limits. Pure."""
