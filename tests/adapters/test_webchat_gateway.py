from uuid import UUID

from adapters.channels.webchat import WebChatGateway
from application.ports.briefings import Briefing
from application.ports.channel_gateway import OutboundText
from application.ports.live import Changed, Topic, Typing
from domain.channels import ChannelType
from domain.delivery import Accepted
from tests.builders import a_voice, an_id
from tests.fakes.live import MemoryLive

WEB_CHAT = an_id()
BRIEFING = Briefing("prm_1", 1, a_voice(), ChannelType.WEBCHAT, str(WEB_CHAT), None)
TOPIC = Topic(WEB_CHAT, "anonymous-kim")


def a_reply(message_id: UUID) -> OutboundText:
    return OutboundText(message_id, TOPIC.visitor, "**Until six.**", 5.0)


async def test_a_reply_is_accepted_under_our_own_id_and_whoever_watches_is_told_to_look() -> None:
    live, message_id = MemoryLive(), an_id()

    assert await WebChatGateway(live).send(BRIEFING, a_reply(message_id)) == Accepted(str(message_id))
    assert live.published == [(TOPIC, Changed())]


async def test_typing_is_shown_and_the_text_stays_as_it_is() -> None:
    live = MemoryLive()
    gateway = WebChatGateway(live)

    await gateway.show_typing(BRIEFING, TOPIC.visitor, "any")

    assert live.published == [(TOPIC, Typing())]
    assert gateway.worded("**a**\n" * 5_000) == ["**a**\n" * 5_000]
