"""Hawk, OAuth 1.0a and EdgeGrid: forms of signed requests with several libraries each."""

import json
import urllib.parse

import akamai.edgegrid
import mohawk
import oauthlib.common
import oauthlib.oauth1
import oauthlib.oauth1.rfc5849.signature
import requests

from ..model import ID, SECRET, Client, Request, Setting, Verifier, installed
from ..node import asked
from ..wire import caught

ORIGIN = "https://api.example.com"
AKAMAI = "https://akab-host.luna.example.net"
CREDENTIALS = {"id": ID, "key": SECRET, "algorithm": "sha256"}
TOKEN, TOKEN_SECRET = "token-1", "fedcba9876543210" * 2
FORM = "application/x-www-form-urlencoded"


def settings():
    yield Setting("hawk", "hawk", ORIGIN)
    yield Setting("oauth1", "oauth1", ORIGIN, secret=f"{SECRET}&")
    token = f"{SECRET}&{TOKEN_SECRET}"
    # What signs for a token has `emit` write it; the preset signs for the consumer alone.
    yield Setting("oauth1-token", "oauth1", ORIGIN, secret=token, ids=(f"{ID}:{TOKEN}",), signs=False)
    yield Setting("edgegrid", "edgegrid", AKAMAI)


def clients(node):
    yield Client("hawk", installed("mohawk"), by_mohawk)
    yield Client("hawk", f"{installed('mohawk')}, GET", by_mohawk_without_body)
    yield Client("hawk", node.version("hawk"), lambda number: by_hawk(node, number))
    yield Client("oauth1", installed("oauthlib"), lambda number: by_oauthlib(number, "HMAC-SHA256"))
    yield Client("oauth1", f"{installed('oauthlib')}, GET", by_oauthlib_without_body)
    yield Client("oauth1", node.version("oauth-1.0a"), lambda number: by_oauth_1_0a(node, number))
    yield Client("oauth1-token", installed("oauthlib"), lambda number: by_oauthlib(number, "HMAC-SHA1", TOKEN))
    yield Client("edgegrid", installed("edgegrid-python"), by_edgegrid)
    yield Client("edgegrid", f"{installed('edgegrid-python')}, GET", by_edgegrid_without_body)
    yield Client("edgegrid", node.version("akamai-edgegrid"), lambda number: by_node_edgegrid(node, number))


def address(number):
    return f"{ORIGIN}/lamps/a%20b/{number}?x=1&y=%2F&empty="


def by_mohawk(number):
    media, body = "application/json; charset=utf-8", json.dumps({"lamp": number})
    sender = mohawk.Sender(CREDENTIALS, address(number), "POST", content=body, content_type=media, ext="a note")
    headers = [("Content-Type", media), ("Authorization", sender.request_header)]
    return Request.to(address(number), "POST", headers, body)


def by_mohawk_without_body(number):
    sender = mohawk.Sender(CREDENTIALS, address(number), "GET", content="", content_type="", app="app-1", dlg="dlg-1")
    return Request.to(address(number), "GET", [("Authorization", sender.request_header)])


def by_hawk(node, number):
    media, body = "text/plain", f"lamp {number}"
    given = {"method": "PUT", "url": address(number), "body": body, "contentType": media}
    header = node.ask("hawk.sign", **given, id=ID, secret=SECRET)
    return Request.to(address(number), "PUT", [("Content-Type", media), ("Authorization", header)], body)


def by_oauthlib(number, algorithm, token=None):
    client = oauthlib.oauth1.Client(ID, SECRET, token, TOKEN_SECRET if token else None, signature_method=algorithm)
    body = urllib.parse.urlencode({"status": "the lamp & more, ä+b", "n": number})
    url, headers, sent = client.sign(address(number), "POST", body, {"Content-Type": FORM})
    return Request.to(url, "POST", headers.items(), sent)


def by_oauthlib_without_body(number):
    client = oauthlib.oauth1.Client(ID, SECRET, realm="lamps", signature_method="HMAC-SHA1")
    query = f"b=2&a=2&a=1&c%40=&e=%C3%A4%2Bx&n={number}&plus=x+y"
    url, headers, _ = client.sign(f"{ORIGIN}/lamps/~a%20b?{query}", "GET")
    return Request.to(url, "GET", headers.items())


def by_oauth_1_0a(node, number):
    fields = {"status": "lamp on", "n": str(number)}
    url = f"{ORIGIN}/lamps/{number}?x=1&y=%2F"
    given = {"method": "POST", "url": url, "fields": fields, "algorithm": "HMAC-SHA1"}
    header = node.ask("oauth.sign", **given, id=ID, secret=SECRET)
    body = urllib.parse.urlencode(fields)
    return Request.to(url, "POST", [("Content-Type", FORM), ("Authorization", header)], body)


def by_edgegrid(number):
    session = requests.Session()
    session.auth = akamai.edgegrid.EdgeGridAuth(ID, SECRET, "akab-access-token")
    return caught(session.post, f"{AKAMAI}/papi/v1/lamps", params={"n": number, "q": "a b"}, json={"lamp": number})


def by_edgegrid_without_body(number):
    session = requests.Session()
    session.auth = akamai.edgegrid.EdgeGridAuth(ID, SECRET, "akab-access-token")
    return caught(session.get, f"{AKAMAI}/papi/v1/lamps/a%20b", params={"n": number, "empty": ""})


def by_node_edgegrid(node, number):
    path, body = f"/papi/v1/lamps?n={number}", json.dumps({"lamp": number})
    given = {"method": "POST", "host": AKAMAI, "path": path, "body": body}
    header = node.ask("edgegrid.sign", **given, id=ID, secret=SECRET)
    return Request.to(AKAMAI + path, "POST", [("Content-Type", "application/json"), ("Authorization", header)], body)


def verifiers(node):
    yield Verifier("hawk", installed("mohawk"), of_mohawk)
    hawk = node.version("hawk")
    yield Verifier("hawk", hawk, lambda sent: node.ask("hawk.verify", **asked(sent), secret=SECRET))
    yield Verifier("oauth1", installed("oauthlib"), lambda sent: of_oauthlib(sent, ""))
    yield Verifier("edgegrid", installed("edgegrid-python"), edgegrid_again, signed_again=True)


def of_mohawk(request):
    """It raises where the signature is not good."""
    media = request.header("Content-Type") or ""
    header = request.header("Authorization")
    mohawk.Receiver(
        lambda _id: CREDENTIALS, header, request.url(), request.method, content=request.body, content_type=media
    )
    return True


def of_oauthlib(request, token_secret):
    sent = oauthlib.common.Request(request.url(), request.method, request.body.decode(), request.fields())
    signature = oauthlib.oauth1.rfc5849.signature
    sent.params = signature.collect_parameters(
        uri_query=request.query, body=sent.decoded_body or [], headers=sent.headers, exclude_oauth_signature=False
    )
    sent.signature = dict(sent.params)["oauth_signature"]
    sent.params = [pair for pair in sent.params if pair[0] != "oauth_signature"]
    known = {"HMAC-SHA256": signature.verify_hmac_sha256, "HMAC-SHA1": signature.verify_hmac_sha1}
    return known[dict(sent.params)["oauth_signature_method"]](sent, SECRET, token_secret)


def edgegrid_again(request):
    ours = request.header("Authorization")
    stated = dict(part.split("=", 1) for part in ours.split(" ", 1)[1].split(";") if part)
    headers = akamai.edgegrid.edgegrid.EdgeGridAuthHeaders(ID, SECRET, stated["access_token"])
    prepared = requests.Request(request.method, request.url(), data=request.body).prepare()
    return headers.make_auth_header(prepared, stated["timestamp"], stated["nonce"]) == ours
