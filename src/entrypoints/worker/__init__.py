"""The door of the queue: a wake-up comes in, turns are taken."""
