"""The model's provider."""
