"""Redis decides who goes first. All of it may vanish at any moment, and Postgres feeds it again."""
