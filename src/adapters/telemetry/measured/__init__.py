"""Ports that are measured: each passes every call on, and counts what it cost and came to."""
