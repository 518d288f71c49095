"""Postgres decides what happened: one file per family of tables."""
