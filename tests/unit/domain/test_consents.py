import pytest

from domain.channels import ChannelType, InboundMessage
from domain.consents import SAID_LENGTH_MAX, START_WORDS, STOP_WORDS, known_word, normalised, said
from tests.fakes.clock import MONDAY_MORNING


def a_message(text: str | None, **fields) -> InboundMessage:
    type_ = fields.pop("type", "text")
    return InboundMessage(ChannelType.WHATSAPP, "1", "2", None, "wamid.1", type_, text, MONDAY_MORNING, **fields)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("STOP", "stop"),
        ("  stop!! \n", "stop"),
        ("«Stop».", "stop"),
        ("Unsubscribe", "stop"),
        ("BAJA", "stop"),
        ("Parar", "stop"),
        ("Arrêter", "stop"),
        ("Abmelden.", "stop"),
        ("Basta!", "stop"),
        ("إلغاء الاشتراك", "stop"),
        ("बंद करो", "stop"),
        ("ABONELİKTEN ÇIK", "stop"),
        ("Berhenti", "stop"),
        ("СТОП", "stop"),
        ("停止", "stop"),
        ("Start", "start"),
        ("Iniciar", "start"),
        ("Começar", "start"),
        ("Démarrer", "start"),
        ("Starten", "start"),
        ("ابدأ", "start"),
        ("शुरू करें", "start"),
        ("BAŞLA", "start"),
        ("Mulai", "start"),
        ("Старт", "start"),
        ("Please stop by at six", None),
        ("stop?start", None),
        ("no", None),
        ("Cancel", None),
        ("", None),
        ("👍", None),
    ],
)
def test_only_a_message_that_is_nothing_but_the_word_counts(text: str, word: str | None) -> None:
    assert known_word(said(a_message(text))) == word


def test_no_word_means_both() -> None:
    assert not {normalised(word) for word in STOP_WORDS} & {normalised(word) for word in START_WORDS} - {""}
    assert all(len(word.strip()) <= SAID_LENGTH_MAX for word in STOP_WORDS | START_WORDS)


@pytest.mark.parametrize(
    "message",
    [
        a_message(None),
        a_message("stop", type="image"),
        a_message("stop", type="reaction"),
        a_message("stop", is_standby=True),
        a_message("stop" + "!" * SAID_LENGTH_MAX),
    ],
)
def test_what_is_no_message_of_a_word_says_nothing(message: InboundMessage) -> None:
    assert said(message) is None


def test_a_button_s_words_are_the_business_s() -> None:
    assert known_word(said(a_message("Stop", type="button"))) is None
