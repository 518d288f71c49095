"""Whether a delivery of Meta's is Meta's."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

from application.ports.channel_gateway import ForgedWebhook, UnsignedWebhook

HEADER = "x-hub-signature-256"
PREFIX = b"sha256="
CHALLENGE = re.compile(r"[\w.-]{1,100}", re.ASCII)
"""Meta sends digits, and words such as CHALLENGE_ACCEPTED in its own examples; nothing here can be markup."""


class MetaSignature:
    """Checks `X-Hub-Signature-256`: HMAC-SHA256 over the raw bytes, by any of the app secrets.

    Instagram Login signs with a secret of its own, and a secret that is being replaced is valid beside the
    new one: hence several.
    """

    def __init__(self, app_secrets: Sequence[str], verify_token: str) -> None:
        self._app_secrets = [secret.encode() for secret in app_secrets]
        self._verify_token = verify_token.encode()

    def check(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raise UnsignedWebhook without a signature, ForgedWebhook when none of our secrets made it."""
        shown = headers.get(HEADER, "").encode()
        if not shown:
            raise UnsignedWebhook(f"The delivery has no {HEADER} header.")
        # Every secret is tried, also after a match: the time tells nothing about which one it was.
        made = [hmac.compare_digest(_made(secret, body), shown) for secret in self._app_secrets]
        if not any(made):
            raise ForgedWebhook("The signature was made with none of the secrets in META_APP_SECRETS.")

    def challenge(self, query: Mapping[str, str]) -> str:
        """What to echo in the handshake. Raises ForgedWebhook for another mode or token, or a strange challenge."""
        token = query.get("hub.verify_token", "").encode()
        challenge = query.get("hub.challenge", "")
        is_ours = query.get("hub.mode") == "subscribe" and hmac.compare_digest(token, self._verify_token)
        if not is_ours or not CHALLENGE.fullmatch(challenge):
            raise ForgedWebhook("The handshake does not carry META_VERIFY_TOKEN and a plain challenge.")
        return challenge


def _made(secret: bytes, body: bytes) -> bytes:
    return PREFIX + hmac.digest(secret, body, hashlib.sha256).hex().encode()
