"""Postgres: its schema, and what the application keeps in it."""
