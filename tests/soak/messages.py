"""The requests of the soak test, signed and not, and what each must be answered."""

import hashlib
import hmac
import json
import time
import zlib
from base64 import urlsafe_b64encode

SECRET, TOKEN_SECRET = b"soak-secret-of-the-fleet-32-bytes", b"soak-secret-of-the-tokens-32-bytes"
# Bytes that an upstream answers at `/public/big` and, for those who read slowly, at `/public/huge`.
BIG_ANSWER = 256 * 1024
SLOW_ANSWER = 1024 * 1024


def head(method, target, authority, fields):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {authority}", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def signature_fields(method, target, authority, nonce, body_hash, forged=False):
    now = str(int(time.time()))
    message = "\n".join(["v2", "dev-1", method, authority, target, now, nonce, body_hash])
    mac = hmac.new(b"another secret" if forged else SECRET, message.encode(), hashlib.sha256).hexdigest()
    names = ("X-HMAC-Key-Id", "X-HMAC-Timestamp", "X-HMAC-Nonce", "X-HMAC-Signature")
    return list(zip(names, ("dev-1", now, nonce, mac)))


def token():
    def part(value):
        return urlsafe_b64encode(value).rstrip(b"=")

    now = int(time.time())
    claims = {"iss": "soak", "aud": "api", "sub": "soaker", "iat": now, "exp": now + 7200}
    text = part(b'{"alg":"HS256","typ":"JWT","kid":"k1"}') + b"." + part(json.dumps(claims).encode())
    return (text + b"." + part(hmac.new(TOKEN_SECRET, text, hashlib.sha256).digest())).decode()


def chunks(body, size):
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


class Request:
    """One request of the honest clients, with what it must be answered."""

    # name, share in 1,000, method, path, body bytes, chunked, expected status
    KINDS = [
        ("get", 340, "GET", "/public/get", 0, False, 200),
        ("get big", 30, "GET", "/public/big", 0, False, 200),
        ("post chunked", 70, "POST", "/public/post", 20_000, True, 200),
        ("token get", 160, "GET", "/token/get", 0, False, 200),
        ("token post", 100, "POST", "/token/post", 700, False, 200),
        ("signed post", 150, "POST", "/signed/post?a=1&b=%20", 900, False, 200),
        ("signed 100 KiB", 80, "POST", "/signed/large", 100 * 1024, False, 200),
        ("signed chunked", 40, "POST", "/signed/chunked", 5_000, True, 200),
        ("forged", 20, "POST", "/signed/post", 900, False, 403),
        ("no token", 10, "GET", "/token/get", 0, False, 401),
    ]
    NAMES = [kind[0] for kind in KINDS]
    SHARES = [kind[1] for kind in KINDS]

    def __init__(self, number, name, authority, bearer):
        _, _, method, target, size, chunked, self.expected = self.KINDS[self.NAMES.index(name)]
        self.name, self.id = name, f"soak-{number:08d}-request"
        body = (self.id.encode() * (size // len(self.id) + 1))[:size]
        self.length, self.checksum = size, zlib.crc32(body)
        fields = [("X-Soak-Id", self.id)]
        if target.startswith("/signed"):
            digest = hashlib.sha256(body).hexdigest()
            fields += signature_fields(method, target, authority, self.id, digest, name == "forged")
        if name.startswith("token"):
            fields.append(("Authorization", f"Bearer {bearer}"))
        if method == "POST":
            fields.append(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size)))
        self.bytes = head(method, target, authority, fields) + (chunks(body, 3_000) if chunked else body)

    def is_right(self, answer):
        if answer.status != 200:
            return True
        if self.name == "get big":
            return answer.body[: len(self.id)] == self.id.encode() and len(answer.body) == BIG_ANSWER
        return answer.body == f"{self.id} {self.length} {self.checksum}".encode()
