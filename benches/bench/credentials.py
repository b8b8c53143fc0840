"""What the requests carry. The keys are those of config/bench.yaml, and guard nothing."""

import hashlib
import hmac
import json
import os
from base64 import urlsafe_b64encode

KEY, TOKEN_KEY = b"secret-key", b"my_super_secret_key_of_32_bytes!!"
RECORDED = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../tests/interop/recorded/tokens.json")
DEVICE, BEGINNING = "12:34:56:78:9a:bc", 1_714_485_600


def sign(message, key=KEY):
    return hmac.digest(key, message, "sha256")


def signature(timestamp):
    return sign(f"{DEVICE}:{timestamp}".encode()).hex()


def encoded(value):
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def signed(timestamp):
    return [f"X-Device: {DEVICE}", f"X-Timestamp: {timestamp}", f"X-HMAC-Signature: {signature(timestamp)}"]


def token():
    header = {"alg": "HS256", "typ": "JWT", "kid": "k1"}
    claims = {"iss": "bench", "aud": "api", "sub": "device-1", "iat": BEGINNING, "exp": 4_102_444_800}
    text = ".".join(encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{text}.{encoded(sign(text.encode(), TOKEN_KEY))}"


def recorded():
    """The tokens that PyJWT made for the tests, by algorithm, and the keys that they are checked with."""
    with open(RECORDED) as file:
        known = json.load(file)
    made = {token["algorithm"]: token["token"] for token in known["tokens"] if token["library"] == "PyJWT"}
    return made, known["keys"], known["secrets"]


def fields(kind):
    """Header fields of a request that proves itself in this way. Those of `fresh` are made by the load's own script."""
    if kind in recorded()[0]:
        return [f"Authorization: Bearer {recorded()[0][kind]}"]
    if kind == "signed":
        return signed(BEGINNING)
    return [f"Authorization: Bearer {token()}"] if kind == "token" else []


def body_fields(body):
    return [f"X-HMAC-Signature: {sign(body).hex()}"]


def presign(path, count):
    """A line for each request, all of one length: time, space, signature."""
    with open(path, "w") as file:
        for timestamp in range(BEGINNING, BEGINNING + count):
            file.write(f"{timestamp} {signature(timestamp)}\n")


# `wrk -s FILE … -- PRESIGNED FIRST`: each request takes the next line, so that none is sent twice.
FRESH = """
function init(arguments)
    file = assert(io.open(arguments[1], "r"))
    file:seek("set", tonumber(arguments[2]) * 76)
    wrk.headers["X-Device"] = "%s"
end

function request()
    local line = file:read("*l")
    wrk.headers["X-Timestamp"] = line:sub(1, 10)
    wrk.headers["X-HMAC-Signature"] = line:sub(12)
    return wrk.format()
end
""" % DEVICE

LINE = len(f"{BEGINNING} {hashlib.sha256().hexdigest()}\n")
assert LINE == 76, "the script above seeks by lines of this length"
