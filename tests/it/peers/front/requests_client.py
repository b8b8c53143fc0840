"""requests: a session with its pool. Arguments: the gateway's origin."""

import sys

import requests

from signing import signed

origin = sys.argv[1]
session = requests.Session()
big = bytes(range(256)) * 8192  # 2 MiB


def check(response, body, status=200):
    assert (response.status_code, response.content) == (status, body), (response.status_code, response.content[:99])


check(session.get(origin + "/open/a", params={"b": "c d"}), b"/open/a?b=c+d")
check(session.post(origin + "/open/form", data={"a": "b"}), b"a=b")
check(session.post(origin + "/open/json", json={"a": 1}), b'{"a": 1}')
check(session.put(origin + "/open/big", data=big), big)
check(session.post(origin + "/open/chunked", data=iter([b"one ", b"two"])), b"one two")
head = session.head(origin + "/open/head")
assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", "10")
with session.get(origin + "/open/stream", stream=True) as response:
    assert b"".join(response.iter_content(3)) == b"/open/stream"


class Signed(requests.auth.AuthBase):
    def __call__(self, request):
        request.headers.update(signed(request.method, request.url, request.body or b""))
        return request


check(session.get(origin + "/signed/a?b=c", auth=Signed()), b"/signed/a?b=c")
check(session.put(origin + "/signed/big", data=big, auth=Signed()), big)
assert session.get(origin + "/signed/a").status_code == 400
assert session.get(origin + "/signed/a").headers["Content-Type"] == "application/problem+json"
