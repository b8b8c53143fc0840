"""RFC 9421 with RFC 9530, by http-message-signatures."""

import types

from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms

from ..model import ID, SECRET, Client, Request, Setting, Verifier, installed

ORIGIN = "https://api.example.com"
COVERED = ("@method", "@authority", "@path", "@query", "content-type")


class Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id):
        return SECRET.encode()

    def resolve_private_key(self, key_id):
        return SECRET.encode()


WITH = {"signature_algorithm": algorithms.HMAC_SHA256, "key_resolver": Keys()}


def settings():
    yield Setting("rfc9421", "rfc9421", ORIGIN, changes={"rfc9421": {"algorithms": ["hmac-sha256"], "replay": True}})


def clients(_node):
    yield Client("rfc9421", installed("http-message-signatures"), signed)
    yield Client("rfc9421", f"{installed('http-message-signatures')}, GET", signed_without_body)


def verifiers(_node):
    yield Verifier("rfc9421", installed("http-message-signatures"), verified)


def signed(number):
    url, body = f"{ORIGIN}/lamps/a%20b?n={number}&y=%2F", f'{{"lamp":{number}}}'
    headers = {"Host": "api.example.com", "Content-Type": "application/json"}
    message = types.SimpleNamespace(method="POST", url=url, headers=headers)
    HTTPMessageSigner(**WITH).sign(message, key_id=ID, covered_component_ids=COVERED, body=body.encode())
    return Request.to(url, "POST", headers.items(), body)


def signed_without_body(number):
    url, headers = f"{ORIGIN}/lamps?n={number}", {"Host": "api.example.com", "Accept-Language": "de,  en"}
    message = types.SimpleNamespace(method="GET", url=url, headers=headers)
    covered = ("@request-target", "@authority", "@method", "accept-language")
    HTTPMessageSigner(**WITH).sign(message, key_id=ID, covered_component_ids=covered, nonce=f"nonce-{number}")
    return Request.to(url, "GET", headers.items())


def verified(request):
    message = types.SimpleNamespace(method=request.method, url=request.url(), headers=request.fields())
    required = ("@method", "@authority", "@path", "@query")
    return bool(HTTPMessageVerifier(**WITH).verify(message, require_components=required, body=request.body))
