"""Tokens of every algorithm, made by libraries that are not ours, and the keys that verify them.

Writes one JSON document to standard output: `keys` (a set of public JWKs), `secrets` (by algorithm, hex) and `tokens`
(library, algorithm, token); then `opening` (by algorithm, what decrypts: hex of a secret, or PEM) and `encrypted`, tokens as before,
each with a signed one of the same library inside. The keys are made for the run and thrown away; nothing here guards anything.
"""

import json
import subprocess
import sys

import jwt as pyjwt
from authlib.jose import JsonWebEncryption, JsonWebToken
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jwe as joserfc_jwe
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import import_key
from jwcrypto import jwe as jwcrypto_jwe
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


def sealed_by_joserfc(header, inside, key, kind):
    key = import_key(key, kind)
    return joserfc_jwe.encrypt_compact(header, inside, key, algorithms=[header["alg"], header["enc"]])


def sealed_by_authlib(header, inside, key, kind):
    return JsonWebEncryption().serialize_compact(header, inside, key).decode()


def sealed_by_jwcrypto(header, inside, key, kind):
    if kind == "oct":
        made = jwcrypto_jwk.JWK(kty="oct", k=jwcrypto_jwk.base64url_encode(key))
    else:
        made = jwcrypto_jwk.JWK.from_pem(key.encode())
    return jwcrypto_jwe.JWE(inside, json.dumps(header), recipient=made).serialize(compact=True)


PYTHON = {"PyJWT": by_pyjwt, "joserfc": by_joserfc, "Authlib": by_authlib, "jwcrypto": by_jwcrypto}
# PyJWT and jsonwebtoken do not encrypt.
SEALING = {"joserfc": sealed_by_joserfc, "Authlib": sealed_by_authlib, "jwcrypto": sealed_by_jwcrypto}
OPENING = ["dir", "A256KW", "RSA-OAEP-256"]


def public_pem(text):
    public = serialization.load_pem_private_key(text.encode(), None).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def encrypted(tokens, opening):
    made = []
    for algorithm in OPENING:
        header = {"alg": algorithm, "enc": "A256GCM", "cty": "JWT", "kid": algorithm}
        if algorithm == "RSA-OAEP-256":
            key, kind = public_pem(opening[algorithm]), "RSA"
        else:
            key, kind = bytes.fromhex(opening[algorithm]), "oct"
        for library, seal in SEALING.items():
            inside = next(t["token"] for t in tokens if (t["library"], t["algorithm"]) == (library, "ES256"))
            made.append({"library": library, "algorithm": algorithm, "token": seal(header, inside.encode(), key, kind)})
    return made


def main(node_home):
    secrets = {f"HS{size}": bytes(range(1, 1 + int(size) // 8)) for size in ("256", "384", "512")}
    privates = {algorithm: pem(private_key(algorithm)) for algorithm in ALGORITHMS if algorithm not in secrets}
    keys = {**secrets, **privates}
    tokens = []
    for algorithm in ALGORITHMS:
        for library, make in PYTHON.items():
            token = make(algorithm, keys[algorithm], {"kid": algorithm})
            tokens.append({"library": library, "algorithm": algorithm, "token": token})
    opening = {"dir": bytes(range(32)).hex(), "A256KW": bytes(range(32, 64)).hex(), "RSA-OAEP-256": pem(private_key("RS256"))}
    asked = {
        "claims": CLAIMS,
        "secrets": {name: secret.hex() for name, secret in secrets.items()},
        "privates": privates,
        "opening": {**opening, "RSA-OAEP-256": public_pem(opening["RSA-OAEP-256"])},
    }
    worker = subprocess.run(
        ["node", f"{node_home}/make.mjs"], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    by_node = json.loads(worker.stdout)
    tokens += by_node["tokens"]
    publics = [public_jwk(algorithm, text) for algorithm, text in privates.items()]
    sealed = encrypted(tokens, opening) + by_node["encrypted"]
    document = {"keys": publics, "secrets": asked["secrets"], "tokens": tokens, "opening": opening, "encrypted": sealed}
    json.dump(document, sys.stdout, indent=1, ensure_ascii=False)
    print()


main(sys.argv[1])
