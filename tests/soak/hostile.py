"""Those who mean no good: clients that are slow, and clients that vanish."""

import asyncio
import os
import random
import socket
import struct

from messages import head, signature_fields


class Hostile:
    """Slow and vanishing clients, in a process of their own, until it is terminated."""

    def __init__(self, options):
        self.port, self.slow, self.random = options.port, options.slow, random.Random(options.seed)
        self.authority, self.count = f"127.0.0.1:{options.port}", 0

    async def run(self):
        tasks = [self.repeat(self.SLOW[number % len(self.SLOW)], 1.0) for number in range(self.slow)]
        tasks += [self.repeat(Hostile.vanish, 0.1) for _ in range(12)]
        await asyncio.gather(*tasks)

    async def repeat(self, action, pause):
        await asyncio.sleep(self.random.random() * 5)
        while True:
            connection = socket.socket()
            connection.setblocking(False)
            try:
                if action is Hostile.slow_read:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self.port))
                await asyncio.wait_for(action(self, connection), 120)
            except (OSError, asyncio.TimeoutError):
                pass
            finally:
                connection.close()
            await asyncio.sleep(pause)

    def request(self, target, fields, method="POST"):
        self.count += 1
        identity = f"soak-hostile-{os.getpid()}-{self.count:08d}"
        if target.startswith("/signed"):
            fields = fields + signature_fields(method, target, self.authority, identity, "0" * 64)
        return head(method, target, self.authority, [("X-Soak-Id", identity), *fields])

    async def drip(self, connection, raw, pause):
        loop = asyncio.get_running_loop()
        for byte in raw:
            await loop.sock_sendall(connection, bytes([byte]))
            try:
                # Whatever comes back (a refusal, the end) is the end of this one.
                await asyncio.wait_for(loop.sock_recv(connection, 4096), pause)
                return
            except asyncio.TimeoutError:
                pass

    async def slow_head(self, connection):
        await self.drip(connection, self.request("/public/get", [("X-Long", "x" * 500)], "GET"), 2)

    async def slow_body(self, connection):
        target = self.random.choice(["/public/post", "/signed/post"])
        await asyncio.get_running_loop().sock_sendall(connection, self.request(target, [("Content-Length", "5000")]))
        await self.drip(connection, b"b" * 5000, 3)

    async def slow_read(self, connection):
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connection, self.request("/public/huge", [], "GET"))
        while await loop.sock_recv(connection, 256):
            await asyncio.sleep(1)

    async def silent(self, connection):
        await asyncio.get_running_loop().sock_recv(connection, 1)

    SLOW = [slow_head, slow_body, slow_read, silent]

    async def vanish(self, connection):
        loop = asyncio.get_running_loop()
        kind = self.random.randrange(4)
        if kind == 0:
            raw = self.request("/public/late", [], "GET")
        elif kind == 1:
            raw = self.request("/public/post", [("Transfer-Encoding", "chunked")]) + b"2000\r\n" + b"v" * 5000
        else:
            target = "/signed/large" if kind == 2 else "/public/post"
            raw = self.request(target, [("Content-Length", "100000")]) + b"v" * self.random.randrange(90_000)
        await loop.sock_sendall(connection, raw)
        await asyncio.sleep(self.random.choice([0, 0.01, 0.1]))
        if self.random.random() < 0.5:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
