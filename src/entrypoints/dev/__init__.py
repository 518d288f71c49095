"""Everything on one machine: what `make run` and `frontdesk dev` start."""
