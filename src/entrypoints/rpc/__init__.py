"""The gRPC door: a message in, a use case, a message out. Status codes live in `errors`, callers in `interceptors`."""
