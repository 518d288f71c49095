import re

import pytest

from adapters.vault import AesVault
from application.ports.vault import SecretUnreadable, Vault
from tests.builders import an_id
from tests.fakes.vault import PlainVault


@pytest.fixture(params=["plain", "aes"])
def vault(request) -> Vault:
    return PlainVault() if request.param == "plain" else AesVault(["a key of the house"])


@pytest.mark.parametrize("secret", ["", "EAAG", "Schlüssel 🔑", "x" * 4096])
def test_what_was_sealed_for_a_row_is_read_again_there(vault: Vault, secret: str) -> None:
    owner = an_id()

    assert vault.unseal(vault.seal(secret, owner), owner) == secret


def test_what_was_copied_to_another_row_is_unreadable(vault: Vault) -> None:
    sealed = vault.seal("EAAG", an_id())

    with pytest.raises(SecretUnreadable):
        vault.unseal(sealed, an_id())


def test_a_context_is_read_again_for_its_phone_number_and_no_other(vault: Vault) -> None:
    owner = an_id()
    sealed = vault.seal_context(b"\x00 who answers", owner)

    assert vault.unseal_context(sealed, owner) == b"\x00 who answers"
    with pytest.raises(SecretUnreadable):
        vault.unseal_context(sealed, an_id())


def test_a_key_s_secret_is_new_each_time_and_safe_in_a_url(vault: Vault) -> None:
    secrets = {vault.new_key_secret() for _ in range(50)}

    assert len(secrets) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in secrets)


def test_a_digest_matches_the_secret_it_was_made_of_and_no_other(vault: Vault) -> None:
    digest, key = vault.digest("one")

    assert len(digest) == 32
    assert vault.matches("one", digest, key)
    assert not vault.matches("other", digest, key)
    assert not vault.matches("one", digest, "another key")
    assert not vault.matches("one", digest[:-1], key)


# --- what only the real one promises


def test_the_sealed_form_tells_nothing_and_is_another_each_time() -> None:
    vault, owner = AesVault(["k"]), an_id()

    first, second = vault.seal("EAAG", owner), vault.seal("EAAG", owner)

    assert first != second
    assert b"EAAG" not in first


def test_any_damage_is_noticed() -> None:
    vault, owner = AesVault(["k"]), an_id()
    sealed = vault.seal("EAAG", owner)
    damaged = [sealed[:length] for length in range(len(sealed))]
    damaged += [sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :] for place in range(len(sealed))]

    for form in damaged:
        with pytest.raises(SecretUnreadable):
            vault.unseal(form, owner)


def test_after_a_rotation_old_secrets_open_and_new_ones_are_sealed_with_the_new_key() -> None:
    owner = an_id()
    old, rotated, new = AesVault(["old"]), AesVault(["new", "old"]), AesVault(["new"])
    digest, key = old.digest("secret")

    assert rotated.unseal(old.seal("EAAG", owner), owner) == "EAAG"
    assert new.unseal(rotated.seal("EAAG", owner), owner) == "EAAG"
    assert rotated.matches("secret", digest, key)
    assert not new.matches("secret", digest, key)
    with pytest.raises(SecretUnreadable):
        new.unseal(old.seal("EAAG", owner), owner)


def test_an_answer_is_sealed_for_its_name_alone_and_not_as_tokens_are() -> None:
    vault, name = AesVault(["k"]), an_id()

    sealed = vault.seal_answer(b"\xff an answer", name.bytes)

    assert vault.unseal_answer(sealed, name.bytes) == b"\xff an answer"
    assert b"answer" not in sealed
    with pytest.raises(SecretUnreadable):
        vault.unseal_answer(sealed, an_id().bytes)
    with pytest.raises(SecretUnreadable):
        vault.unseal(sealed, name)
    with pytest.raises(SecretUnreadable):
        vault.unseal_answer(b"", name.bytes)
