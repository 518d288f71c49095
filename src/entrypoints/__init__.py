"""The doors: REST, gRPC, workers, the scheduler, the command line and the simulators."""
