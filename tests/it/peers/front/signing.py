"""What a client adds to sign a request by the preset device-v2."""

import hashlib
import hmac
import os
import secrets
import time
from urllib.parse import urlsplit


def signed(method, url, body=b""):
    parts = urlsplit(url)
    target = parts.path + ("?" + parts.query if parts.query else "")
    timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
    lines = ["v2", "peer", method, parts.netloc, target, timestamp, nonce, hashlib.sha256(body).hexdigest()]
    signature = hmac.new(os.environ["KEY"].encode(), "\n".join(lines).encode(), "sha256").hexdigest()
    return {
        "X-HMAC-Key-Id": "peer",
        "X-HMAC-Timestamp": timestamp,
        "X-HMAC-Nonce": nonce,
        "X-HMAC-Signature": signature,
    }
