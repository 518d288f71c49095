"""Instagram tokens end after sixty days; they are renewed before."""

from __future__ import annotations

from dataclasses import dataclass

from application.alerting import raise_quietly, resolve_quietly
from application.ports.alerts import Alerts
from application.ports.context_cache import ContextCache
from application.ports.token_refresh import (
    AgeingToken,
    AgeingTokens,
    NotRefreshed,
    Refreshed,
    TokenIssuer,
    TokenRefused,
)
from application.ports.vault import SecretUnreadable, Vault
from domain.monitoring import AlertKind
from domain.tokens import is_refreshable


@dataclass(frozen=True, slots=True)
class RefreshTokens:
    """Renews tokens one by one. Several schedulers share the work."""

    ageing: AgeingTokens
    issuer: TokenIssuer
    vault: Vault
    contexts: ContextCache
    alerts: Alerts

    async def __call__(self) -> bool:
        """Renew one token that is due; False when none is. Raises Unavailable when the store is out of reach.

        A token that the platform refuses is its owner's to replace, and the owner is told; after any other failure
        it is tried again later.
        """
        token = await self.ageing.claim()
        if token is None:
            return False
        match await self._asked(token):
            case Refreshed(access_token, lasts_seconds):
                await self._keep(token, access_token, lasts_seconds)
            case TokenRefused(detail):
                subject = str(token.phone_number_id)
                await raise_quietly(self.alerts, AlertKind.ACCESS_REFUSED, subject, token.user_id, detail)
            case NotRefreshed():
                pass
        return True

    async def _asked(self, token: AgeingToken) -> Refreshed | TokenRefused | NotRefreshed:
        try:
            access_token = self.vault.unseal(token.sealed, token.phone_number_id)
        except SecretUnreadable:
            return TokenRefused("The token was sealed with a key that is not in ENCRYPTION_KEYS; set it again.")
        if not is_refreshable(access_token):
            return NotRefreshed("It does not end.")
        return await self.issuer.refresh(access_token)

    async def _keep(self, token: AgeingToken, access_token: str, lasts_seconds: float) -> None:
        sealed = self.vault.seal(access_token, token.phone_number_id)
        if await self.ageing.keep(token, sealed, lasts_seconds):
            await self.contexts.drop(token.phone_number_id)
            await resolve_quietly(self.alerts, AlertKind.ACCESS_REFUSED, str(token.phone_number_id))
