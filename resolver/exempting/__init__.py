"""Exemptions granted by a command: judged, and written into the config's text."""
