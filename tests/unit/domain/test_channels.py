import pytest

from domain.channels import ChannelType, checked_token
from domain.shared import InvalidInput
from tests.builders import a_phone_number, an_id

ACCOUNTS = {ChannelType.WHATSAPP: "meta_phone_number_id", ChannelType.INSTAGRAM: "instagram_account_id"}


@pytest.mark.parametrize("type_", ChannelType)
def test_a_channel_bears_the_id_of_its_own_platform(type_: ChannelType) -> None:
    assert a_phone_number(an_id(), type=type_).type is type_


@pytest.mark.parametrize(("type_", "field"), ACCOUNTS.items())
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_channel_without_its_platform_s_id_is_refused(type_, field, nothing) -> None:
    with pytest.raises(InvalidInput) as refused:
        a_phone_number(an_id(), type=type_, **{field: nothing})
    assert refused.value.field == field


@pytest.mark.parametrize("type_", ChannelType)
def test_a_channel_with_another_platform_s_id_is_refused(type_: ChannelType) -> None:
    for owner, field in ACCOUNTS.items():
        if owner is not type_:
            with pytest.raises(InvalidInput) as refused:
                a_phone_number(an_id(), type=type_, **{field: "1"})
            assert refused.value.field == field


@pytest.mark.parametrize("token", ["", "two words", "a\nline", "a\x00b", "tökén", "x" * 4_097])
def test_a_token_that_no_header_can_carry_is_refused_by_name(token):
    with pytest.raises(InvalidInput) as refused:
        checked_token(token)
    assert refused.value.field == "access_token"
