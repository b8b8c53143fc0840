"""Tokens of every algorithm, made by libraries that are not ours, and the keys that verify them.

Writes one JSON document to standard output: `keys` (a set of public JWKs), `secrets` (by algorithm, hex) and `tokens`
(library, algorithm, token). The keys are made for the run and thrown away; nothing here guards anything.
"""

import json
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

ALGORITHMS = [kind + size for kind in ("HS", "RS", "PS") for size in ("256", "384", "512")] + ["ES256", "ES384", "EdDSA"]
CLAIMS = {
    "iss": "https://issuer.test",
    "aud": ["api", "other"],
    "sub": "ålice \"quoted\" 日本",
    "iat": 1700000000,
    "nbf": 1700000000,
    "exp": 4102444800,
    "jti": "j-1",
    "scope": "read write",
}


def private_key(algorithm):
    if algorithm[:2] in ("RS", "PS"):
        return rsa.generate_private_key(65537, 2048)
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1() if algorithm == "ES256" else ec.SECP384R1())


def pem(key):
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def public_jwk(algorithm, text):
    key = json.loads(jwcrypto_jwk.JWK.from_pem(text.encode()).export_public())
    return {**key, "kid": algorithm, "alg": algorithm, "use": "sig"}


def by_pyjwt(algorithm, key, header):
    return pyjwt.encode(CLAIMS, key, algorithm=algorithm, headers=header)


def by_joserfc(algorithm, key, header):
    kind = {"HS": "oct", "RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}[algorithm[:2]]
    return joserfc_jwt.encode({"alg": algorithm, **header}, CLAIMS, import_key(key, kind), algorithms=[algorithm])


def by_authlib(algorithm, key, header):
    return JsonWebToken([algorithm]).encode({"alg": algorithm, **header}, CLAIMS, key).decode()


def by_jwcrypto(algorithm, key, header):
    if algorithm.startswith("HS"):
        made = jwcrypto_jwk.JWK(kty="oct", k=jwcrypto_jwk.base64url_encode(key))
    else:
        made = jwcrypto_jwk.JWK.from_pem(key.encode())
    token = jwcrypto_jwt.JWT(header={"alg": algorithm, **header}, claims=CLAIMS)
    token.make_signed_token(made)
    return token.serialize()


PYTHON = {"PyJWT": by_pyjwt, "joserfc": by_joserfc, "Authlib": by_authlib, "jwcrypto": by_jwcrypto}


def main(node_home):
    secrets = {f"HS{size}": bytes(range(1, 1 + int(size) // 8)) for size in ("256", "384", "512")}
    privates = {algorithm: pem(private_key(algorithm)) for algorithm in ALGORITHMS if algorithm not in secrets}
    keys = {**secrets, **privates}
    tokens = []
    for algorithm in ALGORITHMS:
        for library, make in PYTHON.items():
            token = make(algorithm, keys[algorithm], {"kid": algorithm})
            tokens.append({"library": library, "algorithm": algorithm, "token": token})
    asked = {
        "claims": CLAIMS,
        "secrets": {name: secret.hex() for name, secret in secrets.items()},
        "privates": privates,
    }
    worker = subprocess.run(
        ["node", f"{node_home}/make.mjs"], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    tokens += json.loads(worker.stdout)
    publics = [public_jwk(algorithm, text) for algorithm, text in privates.items()]
    json.dump({"keys": publics, "secrets": asked["secrets"], "tokens": tokens}, sys.stdout, indent=1, ensure_ascii=False)
    print()


main(sys.argv[1])
