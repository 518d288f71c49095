"""The turn, and reading conversations back."""
