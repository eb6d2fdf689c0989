"""The section of a config that publishes zones."""

PUBLISH = '[publish]\nlisten = ["127.0.0.1:8053"]\n'
