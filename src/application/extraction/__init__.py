"""Leads: when conversations are read, how, and what becomes of it."""
