"""The sockets in the wall: what the use cases need from the world, as Protocols. Adapters are the plugs."""
