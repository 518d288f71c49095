"""What this door says of itself: ``/openapi.json`` and ``/docs``."""
