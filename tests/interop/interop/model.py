"""What is passed around: a request as it is sent, who signs one, who verifies one."""

import dataclasses
import importlib.metadata
import urllib.parse
from typing import Callable

ID = "key-1"
# Text, hexadecimal and base64 alike, as the vendors want their secrets.
SECRET = "0123456789abcdef" * 4


@dataclasses.dataclass
class Request:
    """A request as it is on the wire, without Content-Length."""

    method: str
    target: str
    headers: list
    body: bytes = b""

    @staticmethod
    def to(url, method, headers, body=b""):
        """From a URL as clients write it; the Host header is the URL's unless there is one."""
        parts = urllib.parse.urlsplit(url)
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        headers = [(str(name), value.decode() if isinstance(value, bytes) else str(value)) for name, value in headers]
        if not any(name.lower() == "host" for name, _ in headers):
            headers.insert(0, ("Host", parts.netloc))
        return Request(method, target, headers, body.encode() if isinstance(body, str) else body or b"")

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return self.target.partition("?")[2]

    def header(self, name):
        return next((value for each, value in self.headers if each.lower() == name.lower()), None)

    def fields(self):
        return dict(self.headers)

    def url(self, scheme="https"):
        return f"{scheme}://{self.header('host')}{self.target}"


@dataclasses.dataclass
class Setting:
    """One scheme of the gateway, with a listener and a route of its own."""

    name: str
    preset: str
    origin: str
    # The secret as the gateway has it, and other ids that have it besides ID.
    secret: str = SECRET
    ids: tuple = (ID,)
    # The secret with which `countersign sign` signs, where it is another one.
    signing_secret: str = ""
    # What the config says beside `preset`.
    changes: dict = dataclasses.field(default_factory=dict)
    # Whether `countersign sign` is to sign with it.
    signs: bool = True


@dataclasses.dataclass
class Client:
    """Who signs. `sign` makes a new request each time, other than those of other numbers."""

    setting: str
    by: str
    sign: Callable[[int], Request]
    # False where the request is put together here, as the vendor's documents say.
    independent: bool = True


@dataclasses.dataclass
class Verifier:
    """Who verifies a request; `verify` returns whether it is good, or raises."""

    setting: str
    by: str
    verify: Callable[[Request], bool]
    # True where the vendor has no verifier, and the same request was signed again by its client.
    signed_again: bool = False


def installed(package):
    """A Python package with its version, as its installer writes it."""
    return f"{package}=={importlib.metadata.version(package)}"
