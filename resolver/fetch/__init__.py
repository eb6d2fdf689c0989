"""Subscribed block lists: downloading, checking and storing them."""
