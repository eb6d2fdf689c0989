"""Sockets to upstream servers, and the addresses of those servers."""
