"""A session in cookies as requests has one: it logs in, shows the CSRF token where something changes, renews and logs out."""

import sys

import requests

api = sys.argv[1]
session = requests.Session()


def names():
    return sorted(cookie.name for cookie in session.cookies)


def check(answer, status):
    assert answer.status_code == status, (answer.request.method, answer.url, answer.status_code, answer.text)
    return answer


login = {"username": "alice", "password": "wonderland"}
check(session.post(f"{api}/login", json={**login, "password": "guess"}), 401)
assert names() == []
csrf = check(session.post(f"{api}/login", json=login), 200).json()["csrf_token"]
assert names() == ["__Host-csrf", "__Host-refresh", "__Host-token"], names()
for cookie in session.cookies:
    is_open = cookie.name == "__Host-csrf"
    assert cookie.secure and cookie.path == "/" and not cookie.domain_specified, cookie
    assert cookie.has_nonstandard_attr("HttpOnly") != is_open and cookie.get_nonstandard_attr("SameSite") == "Strict", cookie
assert session.cookies["__Host-csrf"] == csrf

check(session.get(f"{api}/api/read"), 200)
check(session.post(f"{api}/api/bare", data=b"x"), 403)
check(session.post(f"{api}/api/own", data=b"x", headers={"X-CSRF-Token": csrf}), 200)
check(session.post(f"{api}/refresh"), 403)
renewed = check(session.post(f"{api}/refresh", headers={"X-CSRF-Token": csrf}), 200).json()["csrf_token"]
assert renewed != csrf and session.cookies["__Host-csrf"] == renewed
check(session.post(f"{api}/api/old", data=b"x", headers={"X-CSRF-Token": csrf}), 403)
check(session.post(f"{api}/api/own", data=b"x", headers={"X-CSRF-Token": renewed}), 200)
spent = dict(session.cookies)
check(session.post(f"{api}/logout", headers={"X-CSRF-Token": renewed}), 200)
assert names() == [], names()
check(session.get(f"{api}/api/read"), 401)
over = "; ".join(f"{name}={value}" for name, value in spent.items())
check(requests.post(f"{api}/refresh", headers={"Cookie": over, "X-CSRF-Token": renewed}), 401)
