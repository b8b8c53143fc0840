"""Dialects without a client to be had, put together here as the vendor's documents say.

Where the vendor has a verifier, it is shown these requests too, and must believe them.
"""

import base64
import datetime
import email.utils
import hashlib
import hmac
import json
import time
import urllib.parse

from ..model import ID, SECRET, Client, Request, Setting
from ..wire import curl_version, sent_by_curl
from .webhooks import URL, event, posted

ORIGIN = "https://api.example.com"
DEVICE = "00:1A:2B:3C:4D:5E"
GCS = "https://storage.google.example.com"


def settings():
    yield Setting("device", "device", ORIGIN, ids=(DEVICE,))
    for name in ("device-v2", "raw-body", "apisix", "apisix-legacy"):
        yield Setting(name, name, ORIGIN)
    yield Setting("dropbox", "dropbox", "https://hooks.example.com")
    # Its signature stands in the body, which is not ours to write.
    yield Setting("mailgun", "mailgun", "https://hooks.example.com", signs=False)
    yield Setting("gcs", "gcs", GCS)
    yield Setting("gcs-presigned", "gcs-presigned", GCS)


def clients(_node):
    signers = {
        "device": device,
        "device-v2": device_v2,
        "raw-body": lambda n: posted({"X-HMAC-Signature": mac(event(n)).hex()}, event(n)),
        "dropbox": lambda n: posted({"X-Dropbox-Signature": mac(event(n)).hex()}, event(n)),
        "shopify": lambda n: posted({"X-Shopify-Hmac-SHA256": b64(mac(event(n)))}, event(n)),
        "line": lambda n: posted({"X-Line-Signature": b64(mac(event(n)))}, event(n)),
        "shopify-events": lambda n: posted({"Shopify-Hmac-SHA256": b64(mac(event(n)))}, event(n)),
        "square": lambda n: posted({"X-Square-HmacSha256-Signature": b64(mac(URL + event(n)))}, event(n)),
        "zoom": zoom,
        "twitch": twitch,
        "mailgun": mailgun,
        "apisix": apisix,
        "apisix-legacy": apisix_legacy,
        "gcs-presigned": gcs_presigned,
    }
    # curl signs for Google's storage too, and leaves the digest's header to its user.
    yield Client("gcs", curl_version(), gcs_by_curl)
    for name, sign in signers.items():
        yield Client(name, "its documents", sign, independent=False)


def verifiers(_node):
    return ()


def mac(message, key=SECRET):
    key, message = (text.encode() if isinstance(text, str) else text for text in (key, message))
    return hmac.new(key, message, hashlib.sha256).digest()


def b64(data):
    return base64.b64encode(data).decode()


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def device(number):
    now = int(time.time()) + number
    body = json.dumps({"mac_address": DEVICE, "timestamp": now, "lamp": "lamp"})
    return posted({"X-HMAC-Signature": mac(f"{DEVICE}:{now}").hex()}, body, f"{ORIGIN}/verify")


def device_v2(number):
    now, nonce, target = str(int(time.time())), f"{number:032x}", "/devices/lamp?x=1"
    lines = ["v2", ID, "POST", "api.example.com", target, now, nonce, sha256(event(number))]
    names = ("X-HMAC-Key-Id", "X-HMAC-Timestamp", "X-HMAC-Nonce", "X-HMAC-Signature")
    return posted(dict(zip(names, (ID, now, nonce, mac("\n".join(lines)).hex()))), event(number), ORIGIN + target)


def zoom(number):
    now = str(int(time.time()))
    signature = "v0=" + mac(f"v0:{now}:{event(number)}").hex()
    return posted({"x-zm-request-timestamp": now, "x-zm-signature": signature}, event(number))


def twitch(number):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"
    names = [f"Twitch-Eventsub-Message-{name}" for name in ("Id", "Timestamp", "Signature", "Type")]
    signature = "sha256=" + mac(f"id-{number}{now}{event(number)}").hex()
    return posted(dict(zip(names, (f"id-{number}", now, signature, "notification"))), event(number))


def mailgun(number):
    now, token = str(int(time.time())), f"{number:050d}"
    signed = {"timestamp": now, "token": token, "signature": mac(now + token).hex()}
    return posted({}, json.dumps({"signature": signed, "event-data": {"event": "lamp"}}))


def apisix(number):
    date, target = email.utils.formatdate(usegmt=True), f"/lamps/a%20b?n={number}"
    digest = "SHA-256=" + b64(hashlib.sha256(event(number).encode()).digest())
    message = f"{ID}\nPOST {target}\ndate: {date}\ndigest: {digest}\n"
    listed = 'algorithm="hmac-sha256",headers="@request-target date digest"'
    authorization = f'Signature keyId="{ID}",{listed},signature="{b64(mac(message))}"'
    return posted({"Date": date, "Digest": digest, "Authorization": authorization}, event(number), ORIGIN + target)


def apisix_legacy(number):
    date = email.utils.formatdate(usegmt=True)
    message = f"GET\n/lamps/on\nage=36&n={number}&name=james\n{ID}\n{date}\nUser-Agent:curl/7.29.0\nx-custom-a:test\n"
    names = [f"X-HMAC-{name}" for name in ("ACCESS-KEY", "ALGORITHM", "SIGNED-HEADERS", "SIGNATURE")]
    headers = dict(zip(names, (ID, "hmac-sha256", "User-Agent;x-custom-a", b64(mac(message)))))
    headers |= {"Date": date, "User-Agent": "curl/7.29.0", "x-custom-a": "test"}
    return Request.to(f"{ORIGIN}/lamps/on?name=james&age=36&n={number}", "GET", headers.items())


def goog4(now, request):
    """The signature of a canonical request, as Cloud Storage makes it with an HMAC key."""
    scope = f"{now:%Y%m%d}/auto/storage/goog4_request"
    key = mac("goog4_request", mac("storage", mac("auto", mac(f"{now:%Y%m%d}", "GOOG4" + SECRET))))
    return mac(f"GOOG4-HMAC-SHA256\n{now:%Y%m%dT%H%M%SZ}\n{scope}\n{sha256(request)}", key).hex(), scope


def gcs_by_curl(number):
    given = ["--aws-sigv4", "goog:goog:auto:storage", "--user", f"{ID}:{SECRET}", "--request", "PUT"]
    given += ["--header", f"x-goog-content-sha256: {sha256(event(number))}", "--json", event(number)]
    return sent_by_curl([*given, f"{GCS}/bucket/a.txt?n={number}".replace("https", "http", 1)])


def gcs_presigned(number):
    now = datetime.datetime.now(datetime.timezone.utc)
    scope = f"{now:%Y%m%d}/auto/storage/goog4_request"
    fields = {
        "X-Goog-Algorithm": "GOOG4-HMAC-SHA256",
        "X-Goog-Credential": f"{ID}/{scope}",
        "X-Goog-Date": f"{now:%Y%m%dT%H%M%SZ}",
        "X-Goog-Expires": "300",
        "X-Goog-SignedHeaders": "host",
        "n": str(number),
    }
    query, host = urllib.parse.urlencode(sorted(fields.items())), GCS.removeprefix("https://")
    signature, _ = goog4(now, f"GET\n/bucket/a.txt\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD")
    return Request.to(f"{GCS}/bucket/a.txt?{query}&X-Goog-Signature={signature}", "GET", [])
