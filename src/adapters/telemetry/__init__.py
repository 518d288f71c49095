"""What the house tells of itself: metrics over all processes of a machine, traces, and what is logged of a turn."""
