"""Which secret signs what."""

from dataclasses import dataclass

from entrypoints.simulators.meta.messages import Channel
from entrypoints.simulators.meta.wire import signature


@dataclass(frozen=True, kw_only=True)
class Signer:
    """The app's secrets; Instagram Login has one of its own. An empty one leaves webhooks unsigned."""

    app_secret: str
    instagram_app_secret: str

    def sign(self, channel: Channel, body: bytes) -> str | None:
        """The signature of these bytes, or None without a secret."""
        secret = self.instagram_app_secret if channel == "instagram" else self.app_secret
        return signature(body, secret) if secret else None
