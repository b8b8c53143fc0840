"""What a trained build is trained with: a gateway that was built to count what it runs, and requests like those it is for.

Only `scripts/release` uses it. The load and the origin are Python's own sockets, so that nothing but Python is needed where a release is built. They are
slow, and need not be fast: what counts is which ways through the code are taken, and how often beside one another.
"""

import multiprocessing
import os
import socket
import sys
import tempfile
import threading
from types import SimpleNamespace

from . import credentials
from .run import ORIGIN, PATH, Run
from .servers import Failed, Server

ANSWER = b'HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"ok"}'
END_OF_HEAD = b"\r\n\r\n"
CONNECTIONS = 16
# Rounds over all connections. What devices send all day comes most often; refusals and bodies now and then.
ROUNDS, REFUSED, SMALL, LARGE = 1200, 40, 100, 8
BODIES = [1024, 64 * 1024, 1024 * 1024]


def train(binary):
    """Runs the gateway through all of it, and ends it in order: it writes down what it counted when it ends."""
    with tempfile.TemporaryDirectory(prefix="countersign-training-") as directory:
        run = Run(SimpleNamespace(binary=binary, rounds=1, seconds=1), directory)
        listener = socket.create_server(("127.0.0.1", run.port(ORIGIN)), backlog=256)
        origin = multiprocessing.get_context("fork").Process(target=serve, args=(listener,), daemon=True)
        origin.start()
        try:
            for config, port, drive in (("bench.yaml", 9202, proofs), ("countersign-bodies.yaml", 9210, bodies)):
                command = [run.binary, "run", "-c", run.config(config), "--workers", "1"]
                port = run.port(port)
                with Server("the gateway", command, port, processors(), run.path("gateway.log")):
                    drive(run)
        finally:
            origin.terminate()
            origin.join()


def processors():
    """All that there are: nothing is measured."""
    return ",".join(map(str, sorted(os.sched_getaffinity(0))))


def proofs(run):
    """Signatures, the same and ever new ones, tokens, open routes; and what is refused."""
    stamps = iter(range(credentials.BEGINNING, credentials.BEGINNING + 10_000_000))

    def fresh():
        timestamp = next(stamps)
        return [
            f"X-Device: {credentials.DEVICE}",
            f"X-Timestamp: {timestamp}",
            f"X-HMAC-Signature: {credentials.signature(timestamp)}",
        ]

    def wrong():
        return [*fresh()[:2], "X-HMAC-Signature: " + "0" * 64]

    signed, token = credentials.fields("signed"), credentials.fields("token")
    exchange(run.port(9200), ROUNDS, lambda: request(signed), 200)
    exchange(run.port(9201), ROUNDS, lambda: request(token), 200)
    exchange(run.port(9202), ROUNDS, request, 200)
    exchange(run.port(9203), ROUNDS // 2, lambda: request(fresh()), 200)
    exchange(run.port(9200), REFUSED, lambda: request(wrong()), 403)
    exchange(run.port(9201), REFUSED, request, 401)
    exchange(run.port(9202), SMALL, lambda: request(body=bytes(1024)), 200)


def bodies(run):
    """Those that a signature covers are held until it is verified; the others are carried through."""
    for size in BODIES:
        rounds, body = LARGE if size > 100_000 else SMALL, bytes(size)
        exchange(run.port(9210), rounds, lambda: request(body=body), 200)
        exchange(run.port(9211), rounds, lambda: request(credentials.body_fields(body), body), 200)


def request(fields=(), body=None):
    lines = ["GET" if body is None else "POST", f" {PATH} HTTP/1.1\r\nHost: api.example.com\r\n"]
    lines += [f"{field}\r\n" for field in (*fields, "User-Agent: device/1.4", "Accept: */*")]
    if body is not None:
        lines.append(f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n")
    return "".join(lines).encode() + b"\r\n" + (body or b"")


def exchange(port, rounds, make, status):
    """So many requests on each of the connections, all of a round at once; every answer must have that status."""
    connections = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(CONNECTIONS)]
    try:
        for _ in range(rounds):
            senders = [send(each, make()) for each in connections]
            got = {answer(each) for each in connections}
            for sender in filter(None, senders):
                sender.join()
            if got != {status}:
                raise Failed(f"port {port} answered {sorted(got)}, where {status} was expected")
    finally:
        for each in connections:
            each.close()


def send(connection, whole):
    """Sends what is small at once. What a socket may not take as a whole a thread sends, while others are answered."""
    if len(whole) < 32 * 1024:
        connection.sendall(whole)
        return None
    sender = threading.Thread(target=connection.sendall, args=(whole,))
    sender.start()
    return sender


def answer(connection):
    """Reads one answer to its end, and returns its status."""
    return int(message(connection).split(b" ", 2)[1])


def message(connection):
    """Reads one message to its end, and returns its head. Nobody sends the next one before that."""
    received = b""
    while END_OF_HEAD not in received:
        received += some(connection)
    head, _, rest = received.partition(END_OF_HEAD)
    missing = length(head) - len(rest)
    while missing > 0:
        missing -= len(some(connection))
    return head


def some(connection):
    received = connection.recv(256 * 1024)
    if not received:
        raise ConnectionError("the connection ended within a message")
    return received


def length(head):
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def serve(listener):
    """The origin: one short answer to everything that was read to its end, until the listener is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve_one, args=(connection,), daemon=True).start()


def serve_one(connection):
    with connection:
        try:
            while True:
                message(connection)
                connection.sendall(ANSWER)
        except OSError:
            pass


if __name__ == "__main__":
    train(sys.argv[1])
