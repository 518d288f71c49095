"""A mail server that takes what it is handed, unless told otherwise: just enough of SMTP, in plain text."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

ANSWERS = {"EHLO": "250-Hello\r\n250 AUTH PLAIN LOGIN", "AUTH": "235 Come in", "QUIT": "221 Bye"}


@dataclass
class MailServer:
    """`letters` it took, `commands` it heard; `answer` is what it says to a letter."""

    port: int = 0
    answer: str = "250 Taken"
    letters: list[EmailMessage] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[MailServer]:
        server = cls()
        listening = await asyncio.start_server(server._talk, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        try:
            yield server
        finally:
            listening.close()
            await listening.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._says(writer, "220 ready")
        while line := await reader.readline():
            command = line.decode().strip()
            word = command.partition(" ")[0].upper()
            self.commands.append(word)
            if word == "RCPT":
                self.recipients.append(command)
            if word == "DATA":
                self._says(writer, "354 Go ahead")
                self._takes(await reader.readuntil(b"\r\n.\r\n"))
            self._says(writer, {"DATA": self.answer, **ANSWERS}.get(word, "250 OK"))
            if word == "QUIT":
                break
        writer.close()

    def _takes(self, data: bytes) -> None:
        if self.answer.startswith("250"):
            self.letters.append(message_from_bytes(data.removesuffix(b".\r\n"), policy=policy.default))

    def _says(self, writer: asyncio.StreamWriter, line: str) -> None:
        writer.write(line.encode() + b"\r\n")


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """One that runs beside a test which does not await."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = MailServer.running()
    yield asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result(5)
    asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()
