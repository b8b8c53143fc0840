"""The two token APIs as their clients in Python see them: requests, and PyJWT for what a token says."""

import os
import sys
import time

import jwt
import requests

token_api, older_api = sys.argv[1:]
key = os.environ["JWT_KEY"]


def check(answer, status, body):
    assert (answer.status_code, answer.json()) == (status, body), (answer.status_code, answer.text)
    assert answer.headers["Content-Type"] == "application/json", answer.headers


def minted(expires_in, key=key, **claims):
    now = int(time.time())
    times = {"iat": now + min(expires_in, 0) - 10, "exp": now + expires_in}
    return jwt.encode({"sub": "alice", **times, **claims}, key, algorithm="HS256")


# The Token API.
answer = requests.post(f"{token_api}/login", params={"username": "alice"})
assert answer.status_code == 200 and list(answer.json()) == ["access_token"], answer.text
token = answer.json()["access_token"]
wanted = {"issuer": "token-api", "audience": "api", "options": {"require": ["sub", "iat", "exp", "jti"]}}
claims = jwt.decode(token, key, algorithms=["HS256"], **wanted)
assert claims["sub"] == "alice" and claims["exp"] - claims["iat"] == 3600, claims
secure = f"{token_api}/secure-jwt"


def bearer(token):
    return requests.get(secure, headers={"Authorization": f"Bearer {token}"})


check(bearer(token), 200, {"message": "Hello, alice. JWT authentication successful."})
check(bearer(minted(60, iss="token-api", aud="api")), 200, {"message": "Hello, alice. JWT authentication successful."})
check(bearer(minted(-3600, iss="token-api", aud="api")), 401, {"detail": "Token expired"})
check(bearer(minted(60, key="x" * 32, iss="token-api", aud="api")), 401, {"detail": "Invalid token"})
check(bearer("nonsense"), 401, {"detail": "Invalid token"})
check(requests.get(secure), 403, {"detail": "Not authenticated"})

# The older one.
login = f"{older_api}/login"
answer = requests.post(login, json={"username": "alice", "password": "wonderland"})
assert answer.status_code == 200 and list(answer.json()) == ["token"], answer.text
token = answer.json()["token"]
assert jwt.decode(token, key, algorithms=["HS256"], audience="api")["role"] == "admin"
check(requests.post(login, json={"username": "alice", "password": "guess"}), 401, {"error": "Invalid credentials"})
check(requests.post(login, json={"username": "nobody", "password": "guess"}), 401, {"error": "Invalid credentials"})
protected = f"{older_api}/protected"


def bare(token):
    return requests.get(protected, headers={"Authorization": token})


check(bare(token), 200, {"message": "Hello, authenticated user!"})
check(bare(minted(-3600, iss="legacy-token-api", aud="api")), 401, {"error": "Token has expired"})
check(bare(minted(60, key="x" * 32, iss="legacy-token-api", aud="api")), 403, {"error": "Invalid token"})
