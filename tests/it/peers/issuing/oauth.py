"""The endpoints of OAuth 2.0 as two of its clients in Python use them: Authlib, and requests-oauthlib over oauthlib."""

import os
import sys

# Loopback, without TLS.
os.environ.update(AUTHLIB_INSECURE_TRANSPORT="1", OAUTHLIB_INSECURE_TRANSPORT="1")

from authlib.integrations.requests_client import OAuth2Session as Authlib, OAuthError  # noqa: E402
from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient  # noqa: E402
from oauthlib.oauth2.rfc6749.errors import InvalidClientError, InvalidGrantError, InvalidScopeError  # noqa: E402
from requests_oauthlib import OAuth2Session  # noqa: E402

origin = sys.argv[1]
token_url, revoke_url, api = f"{origin}/token", f"{origin}/revoke", f"{origin}/api/x"


def refused(call, *errors):
    try:
        call()
    except errors as error:
        return error
    raise AssertionError(f"not refused with {errors}")


# Authlib, by Basic and by form.
for method in ["client_secret_basic", "client_secret_post"]:
    session = Authlib("reports", "wonderland", token_endpoint_auth_method=method)
    token = session.fetch_token(token_url, grant_type="client_credentials")
    assert token["token_type"] == "Bearer" and token["scope"] == "read write", token
    assert session.get(api).text == "reports"
    pair = session.fetch_token(token_url, username="alice", password="wonderland")
    assert session.get(api).text == "alice"
    again = session.refresh_token(token_url, pair["refresh_token"])
    assert again["refresh_token"] != pair["refresh_token"], again
    assert session.get(api).text == "alice"
    assert session.revoke_token(revoke_url, again["access_token"], token_type_hint="access_token").status_code == 200
    assert session.get(api).status_code == 401
    wrong = Authlib("reports", "guess", token_endpoint_auth_method=method)
    error = refused(lambda: wrong.fetch_token(token_url, grant_type="client_credentials"), OAuthError)
    assert error.error == "invalid_client", error

# requests-oauthlib.
session = OAuth2Session(client=BackendApplicationClient("shop"))
token = session.fetch_token(token_url, client_secret="builder")
assert session.get(api).text == "shop"
session = OAuth2Session(client=LegacyApplicationClient("shop", scope=["read"]))
pair = session.fetch_token(token_url, username="bob", password="builder", client_secret="builder")
assert pair["scope"] == ["read"], pair
assert session.get(api).text == "bob"
again = session.refresh_token(token_url, pair["refresh_token"], auth=("shop", "builder"))
assert again["scope"] == ["read"] and session.get(api).text == "bob", again
wrong = OAuth2Session(client=BackendApplicationClient("shop"))
refused(lambda: wrong.fetch_token(token_url, client_secret="guess"), InvalidClientError)
stranger = OAuth2Session(client=LegacyApplicationClient("shop"))
guess = {"username": "bob", "password": "guess", "client_secret": "builder"}
refused(lambda: stranger.fetch_token(token_url, **guess), InvalidGrantError)
greedy = OAuth2Session(client=BackendApplicationClient("shop", scope=["admin"]))
refused(lambda: greedy.fetch_token(token_url, client_secret="builder"), InvalidScopeError)
