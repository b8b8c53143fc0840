"""The upstream of the soak test: notes who came, and answers with what arrived."""

import asyncio
import os
import zlib

from messages import BIG_ANSWER, SLOW_ANSWER, chunks


class UpstreamConnection(asyncio.Protocol):
    """Answers id, length and checksum of each request; notes the id before it reads the body."""

    def __init__(self, ids):
        self.ids, self.buffer, self.request = ids, bytearray(), None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        while not self.transport.is_closing() and self.step():
            pass

    def step(self):
        if self.request is None:
            text, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return False
            lines = text.decode("latin-1").split("\r\n")
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            # One write, appended: it is there whatever happens to this process.
            method, path = lines[0].split()[:2]
            os.write(self.ids, f"{method} {fields.get('x-soak-id', 'none')}\n".encode())
            self.request = (path, fields, [])
            self.buffer = rest
        path, fields, pieces = self.request
        if not self.body(fields, pieces):
            return False
        self.request = None
        self.respond(path, fields["x-soak-id"].encode(), b"".join(pieces))
        return True

    def body(self, fields, pieces):
        if fields.get("transfer-encoding") != "chunked":
            length = int(fields.get("content-length", 0))
            if len(self.buffer) < length:
                return False
            pieces.append(bytes(self.buffer[:length]))
            del self.buffer[:length]
            return True
        while True:
            end = self.buffer.find(b"\r\n")
            if end < 0:
                return False
            size = int(self.buffer[:end], 16)
            if len(self.buffer) < end + 2 + size + 2:
                return False
            pieces.append(bytes(self.buffer[end + 2 : end + 2 + size]))
            del self.buffer[: end + 2 + size + 2]
            if size == 0:
                return True

    def respond(self, path, identity, body):
        if path == "/public/late":
            asyncio.get_running_loop().call_later(0.3, self.send, identity)
        elif path == "/public/big":
            self.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            self.transport.write(chunks(identity.ljust(BIG_ANSWER, b"."), 30_000))
        elif path == "/public/huge":
            self.send(identity.ljust(SLOW_ANSWER, b"."))
        else:
            self.send(b"%s %d %d" % (identity, len(body), zlib.crc32(body)))

    def send(self, body):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


async def upstream(port, path):
    ids = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: UpstreamConnection(ids), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()
