"""Metrics, status page, block page and HTML report: handlers, templates, messages."""
