"""A real Postgres and a real Valkey on this machine, supervised by us, for whoever gives no URL."""
