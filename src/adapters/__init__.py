"""The plugs for the ports: Postgres, Redis, OpenAI, Meta, the clock, the cipher."""
