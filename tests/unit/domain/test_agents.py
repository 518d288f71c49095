import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agents import OUTPUT_TOKENS_MIN, is_own_prompt, own_prompt_id
from domain.shared import InvalidInput
from tests.builders import a_voice, an_agent, an_id


@given(st.uuids())
def test_the_id_of_our_own_prompt_is_recognised(prompt_uuid) -> None:
    assert is_own_prompt(own_prompt_id(prompt_uuid))


@pytest.mark.parametrize("prompt_id", ["pmpt_1", "pmpt_6849_Ab" * 10])
def test_a_prompt_of_the_dashboard_is_not_our_own(prompt_id: str) -> None:
    assert not is_own_prompt(prompt_id)


@pytest.mark.parametrize(
    "prompt_id",
    [
        "",
        "prm_",
        "prm_" + "g" * 32,
        "prm_" + "0" * 33,
        "prm_" + "0" * 32 + "\n",
        "pmpt_",
        "pmpt_1\n",
        "pmpt_ü",
        "xpmpt_1",
    ],
)
def test_what_is_no_prompt_id_is_refused_by_name(prompt_id: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        is_own_prompt(prompt_id)
    assert refused.value.field == "prompt_id"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", " "),
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", float("nan")),
        ("max_output_tokens", OUTPUT_TOKENS_MIN - 1),
    ],
)
def test_a_voice_no_model_has_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        a_voice(**{field: value})
    assert refused.value.field == field


@pytest.mark.parametrize(("temperature", "tokens"), [(0, OUTPUT_TOKENS_MIN), (2, 100_000), (None, None)])
def test_a_voice_may_leave_its_settings_to_the_model(temperature, tokens) -> None:
    voice = a_voice(temperature=temperature, max_output_tokens=tokens)

    assert (voice.temperature, voice.max_output_tokens) == (temperature, tokens)


@pytest.mark.parametrize(("prompt_id", "version"), [("pmpt_1", 1), (own_prompt_id(an_id()), 0), ("pmpt_1", 0)])
def test_a_pin_that_nobody_can_check_is_refused_by_name(prompt_id: str, version: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        an_agent(an_id(), prompt_id=prompt_id, prompt_version=version)
    assert refused.value.field == "prompt_version"
