"""What clients of other gateways send: lists of headers, as the drafts of HTTP signatures have them."""

import base64
import dataclasses
import email.utils
import hashlib
import json
import urllib.parse

import httpie_kong_hmac
import httpsig
import kong_hmac
import requests

from ..model import ID, SECRET, Client, Request, Setting, Verifier, installed
from ..node import asked

ORIGIN = "https://api.example.com"
LISTED = ["(request-target)", "host", "date", "digest", "content-type"]
# kong-hmac lists date and digest alone; a route for its clients must not demand the request target.
FEWER_LINES = {"headers": "{auth:headers}", "covers": ["x-date else date"], "covers_if_present": ["digest"]}


def settings():
    yield Setting("cavage", "cavage", ORIGIN)
    yield Setting("kong", "kong", ORIGIN)
    yield Setting("kong-without-target", "kong", ORIGIN, changes={"values": {"lines": FEWER_LINES}}, signs=False)
    yield Setting("tyk", "tyk", ORIGIN)


def clients(node):
    http_signature = node.version("http-signature")
    yield Client("cavage", installed("httpsig"), by_httpsig)
    yield Client("cavage", http_signature, lambda number: by_http_signature(node, number, "hmac-sha512"))
    yield Client("cavage", f"{installed('httpsig')}, GET", by_httpsig_without_body)
    yield Client("kong", installed("httpie-kong-hmac"), by_httpie)
    yield Client("kong-without-target", installed("kong-hmac"), by_kong_hmac)
    # Tyk's clients take such a library and percent-encode the signature.
    yield Client("tyk", f"{installed('httpsig')}, percent-encoded", by_httpsig_for_tyk)


def address(number):
    return f"{ORIGIN}/lamps/a%20b/{number}?x=1&y=%2F"


def body(number):
    return json.dumps({"lamp": number}).encode()


def unsigned(number):
    return {
        "Host": "api.example.com",
        "Date": email.utils.formatdate(usegmt=True),
        "Content-Type": "application/json",
        "Digest": "SHA-256=" + base64.b64encode(hashlib.sha256(body(number)).digest()).decode(),
    }


def target(number):
    return address(number).removeprefix(ORIGIN)


def by_httpsig(number, algorithm="hmac-sha256", listed=tuple(LISTED)):
    signer = httpsig.HeaderSigner(ID, SECRET, algorithm=algorithm, headers=list(listed))
    signed = signer.sign(unsigned(number), method="POST", path=target(number))
    return Request.to(address(number), "POST", as_written(signed), body(number))


def by_httpsig_without_body(number):
    listed = LISTED[:3]
    headers = {name: value for name, value in unsigned(number).items() if name in ("Host", "Date")}
    signer = httpsig.HeaderSigner(ID, SECRET, algorithm="hmac-sha512", headers=listed)
    signed = signer.sign(headers, method="GET", path=target(number))
    return Request.to(address(number), "GET", as_written(signed))


def as_written(headers):
    return [(name.title(), value) for name, value in headers.items()]


def by_httpsig_for_tyk(number):
    request = by_httpsig(number, listed=("(request-target)", "date"))
    head, _, signature = request.header("Authorization").partition('signature="')
    value, _, rest = signature.partition('"')
    written = f'{head}signature="{urllib.parse.quote(value, safe="")}"{rest}'
    headers = [(name, written if name.lower() == "authorization" else each) for name, each in request.headers]
    return Request(request.method, request.target, headers, request.body)


def by_http_signature(node, number, algorithm):
    headers = {name.lower(): value for name, value in unsigned(number).items()}
    given = {"method": "POST", "target": target(number), "headers": headers, "algorithm": algorithm, "list": LISTED}
    signed = node.ask("cavage.sign", **given, id=ID, secret=SECRET)
    return Request.to(address(number), "POST", [*headers.items(), ("Authorization", signed)], body(number))


def by_httpie(number):
    prepared = requests.Request("POST", address(number), json={"lamp": number}).prepare()
    # The library keeps one list for all its requests and adds to it: a new list each time.
    signer = httpie_kong_hmac.KongHMAC(ID, SECRET, headers=["request-line", "date"])
    signed = signer(prepared)
    return Request.to(signed.url, "POST", signed.headers.items(), signed.body)


def by_kong_hmac(number):
    headers = kong_hmac.HmacAuth(ID, SECRET).get_auth_headers(body=body(number).decode())
    return Request.to(address(number), "POST", [("Content-Type", "application/json"), *headers.items()], body(number))


def verifiers(node):
    yield Verifier("cavage", installed("httpsig"), of_httpsig)
    yield Verifier("tyk", installed("httpsig"), of_httpsig_for_tyk)
    secret = {"secret": SECRET}
    yield Verifier("cavage", node.version("http-signature"), lambda s: node.ask("cavage.verify", **asked(s), **secret))


def of_httpsig(request, required=tuple(LISTED[:3])):
    """It knows no `hs2019`."""
    where = {"method": request.method, "path": request.target, "host": request.header("host")}
    return httpsig.HeaderVerifier(request.fields(), SECRET, list(required), **where).verify()


def of_httpsig_for_tyk(request):
    decoded = [(name, urllib.parse.unquote(v) if name == "Authorization" else v) for name, v in request.headers]
    return of_httpsig(dataclasses.replace(request, headers=decoded), ("(request-target)", "date"))
