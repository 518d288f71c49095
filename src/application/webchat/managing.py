"""What the owner of a web chat needs to put it on a page."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from application.ports.registry import PhoneNumbers
from application.ports.vault import SecretUnreadable, Vault
from application.ports.web_chats import WebChats
from domain.channels import ChannelType
from domain.shared import NotFound
from domain.users import Caller


@dataclass(frozen=True, slots=True)
class WebChatSetUp:
    """`identity_secret` signs visitors; it is for the owner's server and never for a page."""

    phone_number_id: UUID
    allowed_origins: tuple[str, ...]
    identity_secret: str


@dataclass(frozen=True, slots=True)
class ManageWebChats:
    """A user's web chats. Each has an identity secret from the first time somebody asks for it."""

    phone_numbers: PhoneNumbers
    web_chats: WebChats
    vault: Vault

    async def show(self, caller: Caller, user_id: UUID, phone_number_id: UUID) -> WebChatSetUp:
        """The web chat's set-up. Raises NotFound for any other type of phone number too."""
        return await self._set_up(caller, user_id, phone_number_id, replace=False)

    async def rotate(self, caller: Caller, user_id: UUID, phone_number_id: UUID) -> WebChatSetUp:
        """The same with a new secret: what was signed with the old one opens no session any more."""
        return await self._set_up(caller, user_id, phone_number_id, replace=True)

    async def _set_up(self, caller: Caller, user_id: UUID, phone_number_id: UUID, *, replace: bool) -> WebChatSetUp:
        caller.must_write(user_id)
        phone_number = await self.phone_numbers.get(user_id, phone_number_id)
        if phone_number.type is not ChannelType.WEBCHAT:
            raise NotFound("web chat")
        secret = await self._secret(user_id, phone_number_id, replace=replace)
        return WebChatSetUp(phone_number.id, phone_number.allowed_origins, secret)

    async def _secret(self, user_id: UUID, phone_number_id: UUID, *, replace: bool) -> str:
        new = self.vault.seal(self.vault.new_key_secret(), phone_number_id)
        kept = await self.web_chats.keep_identity_secret(user_id, phone_number_id, new, replace=replace)
        try:
            return self.vault.unseal(kept, phone_number_id)
        except SecretUnreadable:
            # Nobody can sign with it any more, whatever we do: a new one is all that helps.
            return await self._secret(user_id, phone_number_id, replace=True)
