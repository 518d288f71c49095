"""``/dashboard``: the console, pages that the server renders over the same application as every other door."""
