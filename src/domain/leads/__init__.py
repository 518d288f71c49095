"""Leads: what a customer wants, read from the conversation by a model and believed only where a message proves it."""
