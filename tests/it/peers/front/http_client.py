"""Python's http.client: one connection for everything. Arguments: the gateway's origin."""

import http.client
import sys

from signing import signed

origin = sys.argv[1]
connection = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=20)


def exchange(method, target, body=None, headers={}, chunked=False):
    connection.request(method, target, body, headers, encode_chunked=chunked)
    response = connection.getresponse()
    return response.status, response.read(), response


connection.connect()
socket = connection.sock
big = bytes(range(256)) * 8192  # 2 MiB

assert exchange("GET", "/open/a?b=c")[:2] == (200, b"/open/a?b=c")
assert exchange("POST", "/open/post", b"hello")[:2] == (200, b"hello")
assert exchange("PUT", "/open/big", big)[:2] == (200, big)
pieces = (big[at : at + 100_000] for at in range(0, len(big), 100_000))
assert exchange("POST", "/open/chunked", pieces, {"Transfer-Encoding": "chunked"}, True)[:2] == (200, big)
status, body, response = exchange("HEAD", "/open/head")
assert (status, body, response.headers["Content-Length"]) == (200, b"", "10")
assert exchange("GET", "/nowhere")[0] == 404

for method, target, body in [("GET", "/signed/a?b=c", b""), ("POST", "/signed/post", b"hello"), ("PUT", "/signed/big", big)]:
    headers = signed(method, origin + target, body)
    assert exchange(method, target, body or None, headers)[:2] == (200, body or target.encode())
    assert exchange(method, target, body or None, headers)[0] == 409, "a second time"
headers = signed("POST", origin + "/signed/post", b"hello")
assert exchange("POST", "/signed/post", b"hellO", headers)[0] == 403
assert exchange("GET", "/signed/a")[0] == 400
