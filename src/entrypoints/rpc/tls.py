"""What the door shows and asks for when it speaks TLS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: ours, and those who sign the certificates that callers must show; None asks callers for none."""

    certificate: Path
    key: Path
    client_authorities: Path | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """What a server listens with. Raises OSError for a file that cannot be read."""
        authorities = None if self.client_authorities is None else self.client_authorities.read_bytes()
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        return grpc.ssl_server_credentials([pair], authorities, require_client_auth=authorities is not None)
