"""The door of the clock: chores that nobody asks for."""
