"""A web chat without a browser; those are in tests/browser."""

import http.client
import json
from urllib.parse import urlsplit


def test_a_visitor_of_a_web_chat_is_answered_in_their_stream(house):
    tenant = house.tenant()
    chat = tenant.make("phone_numbers", {"type": "webchat", "allowed_origins": ["https://shop.example"]})
    prompt = tenant.get("prompts")["items"][0]
    tenant.make("agents", {"name": "W", "prompt_id": prompt["id"], "phone_number_id": chat["id"]})
    browser = {"Origin": "https://shop.example"}

    opened = house.rest("POST", f"/webchat/{chat['id']}/sessions", {}, headers={**browser, "Authorization": ""})
    assert opened.status == 201, opened.content
    visitor = {**browser, "Authorization": f"Bearer {opened.json['token']}"}
    said = {"id": "0198c0de-0000-7000-8000-000000000001", "text": "Are you open?"}
    taken = [house.rest("POST", "/webchat/messages", said, headers=visitor).status for _ in range(2)]
    tenant.settled()

    assert taken == [202, 202]
    assert [each["author"] for each in tenant.messages()] == ["customer", "agent"]
    assert tenant.messages()[0]["status"] == "answered"
    reply = tenant.messages()[1]["text"]
    assert json.dumps(reply)[1:-1].encode() in _first_events(house, visitor)
    assert tenant.credits() == (999, 0)
    elsewhere = {"Origin": "https://evil.example", "Authorization": ""}
    assert house.rest("POST", f"/webchat/{chat['id']}/sessions", {}, headers=elsewhere).status == 403


def _first_events(house, headers):
    """What the stream begins with, up to the second message."""
    address = urlsplit(house.ready["rest_url"])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    try:
        connection.request("GET", "/webchat/events?after=0", headers=headers)
        response = connection.getresponse()
        assert response.status == 200
        found = b""
        while b"agent" not in found or not found.endswith(b"\n\n"):
            found += response.read1(65_536)
        return found
    finally:
        connection.close()
