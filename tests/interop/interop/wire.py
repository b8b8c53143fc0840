"""Requests on a plain connection, byte for byte; and requests caught on their way out of a client."""

import contextlib
import http.client
import json
import re
import socket
import subprocess

import requests
import urllib3

from .model import Request

# Of the connection, not of the request; the length is written anew.
OF_THE_CONNECTION = ("connection", "content-length", "transfer-encoding", "keep-alive")


def send(port, request):
    """Status and body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers:
            if name.lower() not in OF_THE_CONNECTION:
                connection.putheader(name, value)
        if request.body or request.method in ("POST", "PUT"):
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def kind(body):
    """The kind of a refusal: the end of its `type`."""
    try:
        return json.loads(body)["type"].rpartition(":")[2]
    except (ValueError, KeyError, TypeError):
        return body[:80].decode("utf-8", "replace")


def text(request):
    """A request as `countersign sign` reads it."""
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers if name.lower() not in OF_THE_CONNECTION)
    length = f"Content-Length: {len(request.body)}\r\n" if request.body else ""
    return f"{request.method} {request.target} HTTP/1.1\r\n{head}{length}\r\n".encode() + request.body


def parse(raw):
    """A request as it is written, such as `countersign sign` prints."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
    return Request(method, target, [each for each in headers if each[0].lower() != "content-length"], body)


class Caught(BaseException):
    """Not an Exception, so that no client retries or wraps it."""

    def __init__(self, request):
        super().__init__()
        self.request = request


def caught(call, *arguments, **named):
    """What a client would have sent by `requests` or `urllib3`; nothing leaves this machine."""
    with patched(requests.adapters.HTTPAdapter, "send", of_requests), patched(
        urllib3.connectionpool.HTTPConnectionPool, "urlopen", of_urllib3
    ):
        try:
            call(*arguments, **named)
        except Caught as sent:
            return sent.request
    raise AssertionError("the client sent nothing")


def of_requests(_adapter, prepared, **_named):
    raise Caught(Request.to(prepared.url, prepared.method, prepared.headers.items(), prepared.body))


def of_urllib3(pool, method, url, body=None, headers=None, **_named):
    raise Caught(Request.to(f"{pool.scheme}://{pool.host}{url}", method, dict(headers or {}).items(), body))


def curl_version():
    return "curl " + subprocess.run(["curl", "--version"], capture_output=True, check=True).stdout.split()[1].decode()


def sent_by_curl(arguments):
    """What curl sends for an `http` URL, of whatever host, to a listener of ours on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        to = f"::127.0.0.1:{listener.getsockname()[1]}"
        command = ["curl", "--silent", "--output", "-", "--noproxy", "*", "--connect-to", to, *arguments]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(30)
                raw = read(connection)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            process.wait(30)
    return parse(raw)


def read(connection):
    """A request with a Content-Length or without a body."""
    raw = b""
    while True:
        head, end, body = raw.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        if end and len(body) >= int(length.group(1) if length else 0):
            return raw
        piece = connection.recv(65536)
        if not piece:
            raise AssertionError("the connection ended early")
        raw += piece


@contextlib.contextmanager
def patched(owner, name, replacement):
    before = getattr(owner, name)
    setattr(owner, name, replacement)
    try:
        yield
    finally:
        setattr(owner, name, before)
