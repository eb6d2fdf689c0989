"""Formats of block lists, and the rules that they hold."""
