"""A keep-alive HTTP/1.1 client that tells how a connection ended."""

import asyncio
import socket


class Answer:
    def __init__(self, status, body, closes):
        self.status, self.body, self.closes = status, body, closes


class Unanswered(Exception):
    """The connection ended before the answer did; `begun` where its head had come."""

    def __init__(self, why, begun):
        super().__init__(why)
        self.begun = begun


class Client:
    """One keep-alive connection that reads while it writes, as a client must to see an early answer."""

    def __init__(self, port):
        self.port, self.socket, self.buffer = port, None, b""

    async def ask(self, raw):
        loop = asyncio.get_running_loop()
        if self.socket is None:
            self.socket, self.buffer = socket.socket(), b""
            self.socket.setblocking(False)
            await loop.sock_connect(self.socket, ("127.0.0.1", self.port))
        sending = asyncio.ensure_future(loop.sock_sendall(self.socket, raw))
        try:
            answer = await self.answer()
        except BaseException:
            self.close(sending)
            raise
        if answer.closes or not sending.done():
            self.close(sending)
        return answer

    def close(self, sending=None):
        if sending is not None:
            # A write that failed is told by the answer that is missing, or does not matter.
            sending.add_done_callback(lambda task: task.cancelled() or task.exception())
            sending.cancel()
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    async def answer(self):
        await self.until(lambda: b"\r\n\r\n" in self.buffer, False)
        text, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = text.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        status, closes = int(lines[0].split()[1]), fields.get("connection") == "close"
        if fields.get("transfer-encoding") == "chunked":
            return Answer(status, await self.chunked(), closes)
        length = int(fields["content-length"])
        await self.until(lambda: len(self.buffer) >= length, True)
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(status, body, closes)

    async def chunked(self):
        body = []
        while True:
            await self.until(lambda: b"\r\n" in self.buffer, True)
            line, _, self.buffer = self.buffer.partition(b"\r\n")
            size = int(line, 16)
            await self.until(lambda: len(self.buffer) >= size + 2, True)
            body.append(self.buffer[:size])
            self.buffer = self.buffer[size + 2 :]
            if size == 0:
                return b"".join(body)

    async def until(self, complete, begun):
        loop = asyncio.get_running_loop()
        while not complete():
            try:
                piece = await loop.sock_recv(self.socket, 65536)
            except OSError as error:
                raise Unanswered(error.strerror, begun) from None
            if not piece:
                raise Unanswered("closed", begun)
            self.buffer += piece
