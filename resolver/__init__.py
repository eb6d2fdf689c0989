"""Darban: a DNS resolver that enforces a network's messenger policy by VLAN."""

__version__ = "0.1.0"
