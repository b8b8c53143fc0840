"""Tokens that we issue, one of each algorithm, as libraries of others read them. Node's have their turn with what is left in the
directory: `tokens.json`."""

import json
import pathlib
import subprocess
import sys

import jwt as pyjwt
from authlib.jose import JsonWebToken
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import import_key
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jwt as jwcrypto_jwt

directory, countersign = pathlib.Path(sys.argv[1]), sys.argv[2]
ALGORITHMS = [kind + size for kind in ("HS", "RS", "PS") for size in ("256", "384", "512")] + ["ES256", "ES384", "EdDSA"]
SUBJECT = 'ålice "quoted" 日本'
RSA = rsa.generate_private_key(65537, 2048)


def private_key(algorithm):
    if algorithm[:2] in ("RS", "PS"):
        return RSA
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1() if algorithm == "ES256" else ec.SECP384R1())


def made(algorithm):
    """What verifies, and the config's words for what signs."""
    if algorithm.startswith("HS"):
        secret = bytes(range(1, 1 + int(algorithm[2:]) // 8))
        return secret, f"secret: {{ value: {secret.hex()}, encoding: hex }}"
    key, file = private_key(algorithm), f"{algorithm}.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / file).write_bytes(key.private_bytes(*form))
    public = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*public), f"private_key: {{ file: {file} }}"


def by_pyjwt(algorithm, key, token):
    return pyjwt.decode(token, key, algorithms=[algorithm], issuer="us", audience="api")


def by_joserfc(algorithm, key, token):
    kind = {"HS": "oct", "RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}[algorithm[:2]]
    decoded = joserfc_jwt.decode(token, import_key(key, kind), algorithms=[algorithm])
    joserfc_jwt.JWTClaimsRegistry(iss={"value": "us"}, aud={"value": "api"}, exp={"essential": True}).validate(decoded.claims)
    return decoded.claims


def by_authlib(algorithm, key, token):
    claims = JsonWebToken([algorithm]).decode(token, key)
    claims.validate()
    return claims


def by_jwcrypto(algorithm, key, token):
    if algorithm.startswith("HS"):
        own = jwcrypto_jwk.JWK(kty="oct", k=jwcrypto_jwk.base64url_encode(key))
    else:
        own = jwcrypto_jwk.JWK.from_pem(key)
    checked = {"iss": "us", "aud": "api", "exp": None}
    return json.loads(jwcrypto_jwt.JWT(jwt=token, key=own, algs=[algorithm], check_claims=checked).claims)


keys = {algorithm: made(algorithm) for algorithm in ALGORITHMS}
entries = [f"  {name}: {{ keys: [{{ kid: {name}, algorithm: {name}, {words} }}], issuer: us, audience: api }}\n" for name, (_, words) in keys.items()]
config = directory / "gateway.yaml"
config.write_text(
    "listen: 127.0.0.1:8000\ntokens:\n" + "".join(entries) + "upstreams: { app: { echo: true } }\n"
    "routes: [{ match: { path: / }, require: { jwt: ES256 }, to: app }]\n"
)
issued = []
for algorithm, (key, _) in keys.items():
    command = [countersign, "token", "issue", "-c", config, "--tokens", algorithm, "--subject", SUBJECT, "--claim", "level=3"]
    token = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    for read in (by_pyjwt, by_joserfc, by_authlib, by_jwcrypto):
        claims = read(algorithm, key, token)
        assert (claims["sub"], claims["level"]) == (SUBJECT, 3), (read, algorithm, claims)
        # The signature's fourth character: all its bits count.
        at = token.rindex(".") + 4
        altered = token[:at] + ("B" if token[at] == "A" else "A") + token[at + 1 :]
        try:
            read(algorithm, key, altered)
        except Exception:
            continue
        raise AssertionError(f"{read} believes an altered token of {algorithm}")
    issued.append({"algorithm": algorithm, "token": token, "key": key.hex() if algorithm.startswith("HS") else key.decode()})
(directory / "tokens.json").write_text(json.dumps({"subject": SUBJECT, "issued": issued}))
