"""What may happen to a signed request on its way, and whether the scheme's coverage says that it must be noticed."""

import dataclasses
import json
import re
import urllib.parse
from typing import Callable

from .model import Request

# Written by the connection, or changed as the authority.
PASSED_OVER = ("host", "content-length", "connection", "accept", "accept-encoding", "user-agent", "transfer-encoding")
# Names in a list of headers that mean method, path and query.
TARGETS = {"(request-target)", "@request-target", "request-line"}
# Every body has this word somewhere.
WORD, OTHER_WORD = b"lamp", b"lump"


@dataclasses.dataclass
class Change:
    what: str
    covered: bool
    apply: Callable[[Request], Request]


def of(request, coverage):
    """Every change of requests that look like this one."""
    signed = signed_headers(request, coverage)
    # What the request itself lists is as good as signed by the scheme.
    coverage = coverage | {part: True for part in ("method", "path", "query") if signed & TARGETS}
    coverage |= {"authority": True} if "host" in signed else {}
    yield Change("method", coverage["method"], method)
    yield Change("path", coverage["path"], path)
    yield Change("query", coverage["query"], query_added)
    yield Change("authority", coverage["authority"], authority)
    for name in dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True)):
        covered = coverage["query"] or name in coverage["query_parameters"]
        yield Change(f"query {name}", covered, lambda sent, name=name: parameter(sent, name))
    yield from of_the_body(request, coverage)
    for name in {name.lower(): None for name, _ in request.headers if name.lower() not in PASSED_OVER}:
        yield Change(f"header {name}", name in signed, lambda sent, name=name: header(sent, name))
        if name in signed:
            yield Change(f"header {name} taken away", True, lambda sent, name=name: without(sent, name))


def of_the_body(request, coverage):
    yield Change("body appended to", coverage["body"], lambda sent: replaced(sent, body=sent.body + b" "))
    if request.body:
        yield Change("body", coverage["body"], body_word)
        yield Change("body taken away", coverage["body"], lambda sent: replaced(sent, body=b""))
    for pointer in coverage["json_fields"]:
        yield Change(f"body {pointer}", True, lambda sent, pointer=pointer: json_field(sent, pointer))
    for name in coverage["form_fields"]:
        yield Change(f"body {name}", True, lambda sent, name=name: form_field(sent, name))


def signed_headers(request, coverage):
    """Headers that the scheme signs, and those that the request itself lists."""
    signed = set()
    for written in coverage["headers"]:
        present = [name for name in written.lower().split(" else ") if request.header(name) is not None]
        signed.update(present[:1])
    components = (request.header("signature-input") or "").partition(")")[0]
    signed.update(re.findall(r'"([a-z][a-z0-9-]*)"', components))
    text = " ".join([request.header("authorization") or "", request.header("signature") or "", request.query])
    lists = re.findall(r'SignedHeaders=([^,&\s]+)|[\s,]headers="([^"]+)"', text)
    lists += [(request.header(name) or "",) for name in ("x-hmac-signed-headers", "signature-headers")]
    for found in lists:
        signed.update(name.lower() for name in re.split(r"[;:\s]+|%3B", "".join(found)) if name)
    return signed


def replaced(request, **changed):
    return dataclasses.replace(request, **changed)


def method(request):
    return replaced(request, method="DELETE" if request.method in ("GET", "PUT") else "PUT")


def path(request):
    return replaced(request, target=request.target.replace(request.path, request.path + "x", 1))


def query_added(request):
    return replaced(request, target=f"{request.target}{'&' if request.query else '?'}added=1")


def authority(request):
    return replaced(
        request, headers=[(n, "other.example.com" if n.lower() == "host" else v) for n, v in request.headers]
    )


def parameter(request, name):
    pieces = request.query.split("&")
    at = next(at for at, piece in enumerate(pieces) if urllib.parse.unquote_plus(piece.partition("=")[0]) == name)
    key, _, value = pieces[at].partition("=")
    pieces[at] = f"{key}={other(value)}"
    return replaced(request, target=f"{request.path}?{'&'.join(pieces)}")


def header(request, name):
    return replaced(request, headers=[(n, other(v) if n.lower() == name else v) for n, v in request.headers])


def without(request, name):
    return replaced(request, headers=[(n, v) for n, v in request.headers if n.lower() != name])


def body_word(request):
    if WORD not in request.body:
        raise AssertionError("the body has no word to change")
    return replaced(request, body=request.body.replace(WORD, OTHER_WORD, 1))


def json_field(request, pointer):
    document = json.loads(request.body)
    *parents, last = pointer.strip("/").split("/")
    holder = document
    for step in parents:
        holder = holder[step]
    value = other(str(holder[last]))
    holder[last] = int(value) if isinstance(holder[last], int) else value
    return replaced(request, body=json.dumps(document).encode())


def form_field(request, name):
    fields = urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True)
    changed = [(each, other(value) if each == name else value) for each, value in fields]
    return replaced(request, body=urllib.parse.urlencode(changed).encode())


def other(value):
    """Another value of the same form: its last digit, else its last letter, is another one."""
    for kind in (r"[0-9](?=[^0-9]*$)", r"[A-Za-z](?=[^A-Za-z]*$)"):
        found = re.search(kind, value)
        if found:
            swapped = {"7": "8", "x": "y"}.get(found.group(), "7" if found.group().isdigit() else "x")
            return value[: found.start()] + swapped + value[found.end() :]
    return value + "7"
