"""Stand-ins for OpenAI and for Meta's Graph: each its own process, with faults that can be switched on."""
