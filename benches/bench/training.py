"""What a trained build is trained with: a gateway that counts what it runs, and requests like those it is for.

Only `scripts/release` uses it. The load and the origin are Python's own sockets, so that little is needed where a release
is built. They are slow, and need not be fast: what counts is which ways through the code are taken, and how often beside
one another.
"""

import itertools
import multiprocessing
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from types import SimpleNamespace

from . import credentials
from .machine import tool
from .run import ORIGIN, PATH, Run
from .servers import Failed, Server
from .subjects import gateway

ANSWER = b'HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"ok"}'
END_OF_HEAD = b"\r\n\r\n"
CONNECTIONS = 16
# Rounds over all connections. What devices send all day comes most often; refusals and bodies now and then.
ROUNDS, REFUSED, SMALL, LARGE = 1200, 40, 100, 8
BODIES = [1024, 64 * 1024, 1024 * 1024]
# Seconds that a gateway may take to end: it writes its counts then.
ENDING = 60


def train(binary):
    """Runs the gateway through all of it, twice: with each of two configs."""
    with tempfile.TemporaryDirectory(prefix="countersign-training-") as directory:
        run = Run(SimpleNamespace(binary=binary, rounds=1, seconds=1), directory)
        run.needs("taskset", "openssl")
        listener = socket.create_server(("127.0.0.1", run.port(ORIGIN)), backlog=256)
        origin = multiprocessing.get_context("fork").Process(target=serve, args=(listener,), daemon=True)
        origin.start()
        try:
            put_through(run, run.config("bench.yaml", lambda text: with_tls(run, text)), 9202, proofs)
            put_through(run, run.config("countersign-bodies.yaml"), 9210, bodies)
        finally:
            origin.terminate()
            origin.join()


def put_through(run, config, port, drive):
    with Server("the gateway", gateway(run, config), run.port(port), processors(), run.path("gateway.log")) as server:
        drive(run)
        # What does not end in order has not written its counts, or not all.
        server.process.terminate()
        code = server.process.wait(ENDING)
        if code != 0:
            raise Failed(f"the gateway ended with {code}: {server.last_words()}")


def with_tls(run, text):
    """The config with one more listener, which speaks TLS."""
    certificate, key = run.path("certificate.pem"), run.path("key.pem")
    command = [tool("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", key, "-out", certificate, "-subj", "/CN=localhost", "-days", "1"]
    subprocess.run(command, check=True, capture_output=True)
    tls = f"tls: {{ certificate: {certificate}, key: {key} }}"
    listener = f"  - {{ name: tls, address: 127.0.0.1:{run.port(9204)}, {tls} }}"
    route = "  - { name: tls, match: { path: /**, listen: tls }, require: { hmac: header }, to: app }"
    return text.replace("listen:\n", f"listen:\n{listener}\n", 1).replace("routes:\n", f"routes:\n{route}\n", 1)


def processors():
    """All that there are: nothing is measured."""
    return ",".join(map(str, sorted(os.sched_getaffinity(0))))


def proofs(run):
    """Signatures, the same and ever new ones, tokens, open routes; and what is refused."""
    stamps = itertools.count(credentials.BEGINNING)
    signed, token = credentials.fields("signed"), credentials.fields("token")
    wrong = [*signed[:2], "X-HMAC-Signature: " + "0" * 64]
    exchange(run.port(9200), ROUNDS, lambda: request(signed), 200)
    exchange(run.port(9201), ROUNDS, lambda: request(token), 200)
    exchange(run.port(9202), ROUNDS, request, 200)
    exchange(run.port(9203), ROUNDS // 2, lambda: request(credentials.signed(next(stamps))), 200)
    exchange(run.port(9204), ROUNDS // 4, lambda: request(signed), 200, over_tls)
    exchange(run.port(9200), REFUSED, lambda: request(wrong), 403)
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


def over_tls(connection):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(connection)


def exchange(port, rounds, make, status, over=lambda connection: connection):
    """So many requests on each of the connections, all of a round at once; every answer must have that status."""
    connections = [over(socket.create_connection(("127.0.0.1", port), timeout=30)) for _ in range(CONNECTIONS)]
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
