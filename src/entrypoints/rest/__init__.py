"""The REST door: parses, calls, answers. Statuses live in `errors`, reading in `bodies`, serving in `main`."""
