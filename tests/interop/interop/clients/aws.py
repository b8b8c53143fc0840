"""AWS Signature Version 4 and its twins."""

import base64
import datetime
import hashlib
import json
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import minio.credentials
import minio.signer

from ..model import ID, SECRET, Client, Request, Setting, Verifier, installed
from ..wire import curl_version, sent_by_curl

REGION = "eu-central-1"
API = "https://abc.execute-api.eu-central-1.example.com"
S3 = "https://bucket.s3.example.com"
CREDENTIALS = botocore.credentials.Credentials(ID, SECRET)
OF_A_SESSION = botocore.credentials.Credentials(ID, SECRET, "a+session/token==")
# What the preset's comment says lets unsigned bodies in.
EITHER_PAYLOAD = {
    "if": "{header:x-amz-content-sha256}",
    "is": "UNSIGNED-PAYLOAD",
    "then": "UNSIGNED-PAYLOAD",
    "else": "{body|sha256|hex}",
}
PATHS = {API: "/prod/lamps/a b/ä", S3: "/photos/a b//ä+.jpg"}


def settings():
    yield Setting("aws-sigv4", "aws-sigv4", API)
    yield Setting("aws-sigv4-presigned", "aws-sigv4-presigned", API)
    yield Setting("aws-sigv4-s3", "aws-sigv4-s3", S3)
    yield Setting("aws-sigv4-s3-unsigned-body", "aws-sigv4-s3", S3, changes={"values": {"payload": EITHER_PAYLOAD}})
    yield Setting("aws-sigv4-s3-presigned", "aws-sigv4-s3-presigned", S3)


def url(origin, number):
    return f"{origin}{urllib.parse.quote(PATHS[origin])}?z=1&n={number}&a=x%20y&a=%2F&empty"


def without_repeated(number):
    """aws4 signs the first alone of S3's parameters of one name, unlike AWS's own clients."""
    return url(S3, number).replace("&a=%2F", "")


def body(number):
    return json.dumps({"lamp": number}).encode()


def clients(node):
    aws = installed("botocore")
    header, query = botocore.auth.SigV4Auth, botocore.auth.SigV4QueryAuth
    s3_header, s3_query = botocore.auth.S3SigV4Auth, botocore.auth.S3SigV4QueryAuth
    yield Client("aws-sigv4", aws, lambda n: by_botocore(header, "POST", url(API, n), body(n)))
    yield Client("aws-sigv4", f"{aws}, session", lambda n: by_botocore(header, "GET", url(API, n), who=OF_A_SESSION))
    yield Client("aws-sigv4", curl_version(), by_curl)
    yield Client("aws-sigv4", node.version("aws4"), lambda n: by_aws4(node, API, n, "execute-api"))
    yield Client("aws-sigv4-presigned", aws, lambda n: by_botocore(query, "GET", url(API, n)))
    yield Client("aws-sigv4-s3", aws, lambda n: by_botocore(s3_header, "PUT", url(S3, n), body(n), "s3"))
    yield Client("aws-sigv4-s3-unsigned-body", aws, by_botocore_without_body)
    yield Client("aws-sigv4-s3", node.version("aws4"), lambda n: by_aws4(node, S3, n, "s3"))
    yield Client("aws-sigv4-s3", installed("minio"), by_minio)
    yield Client("aws-sigv4-s3-presigned", aws, lambda n: by_botocore(s3_query, "GET", url(S3, n), service="s3"))
    named = {"service": "s3", "who": OF_A_SESSION}
    yield Client(
        "aws-sigv4-s3-presigned", f"{aws}, session", lambda n: by_botocore(s3_query, "GET", url(S3, n), **named)
    )
    yield Client("aws-sigv4-s3-presigned", node.version("aws4"), lambda n: presigned_by_aws4(node, n))
    yield Client("aws-sigv4-s3-presigned", installed("minio"), presigned_by_minio)


def by_botocore(auth, method, address, payload=None, service="execute-api", who=CREDENTIALS, more=()):
    headers = {"Content-Type": "application/json", "X-Amz-Meta-Note": "two  spaces", **dict(more)} if payload else {}
    request = botocore.awsrequest.AWSRequest(method=method, url=address, data=payload, headers=headers)
    auth(who, service, REGION).add_auth(request)
    prepared = request.prepare()
    return Request.to(prepared.url, method, prepared.headers.items(), payload)


def by_botocore_without_body(number):
    """As boto3 does over TLS where the request has a checksum of its own."""
    digest = base64.b64encode(hashlib.md5(body(number), usedforsecurity=False).digest()).decode()
    auth = botocore.auth.S3SigV4Auth
    return by_botocore(auth, "PUT", url(S3, number), body(number), "s3", more={"Content-MD5": digest})


def by_curl(number):
    given = ["--aws-sigv4", f"aws:amz:{REGION}:execute-api", "--user", f"{ID}:{SECRET}"]
    given += ["--json", body(number).decode(), f"{API}/prod/lamps/on?a=1&n={number}".replace("https", "http", 1)]
    return sent_by_curl(given)


def by_aws4(node, origin, number, service):
    address = url(origin, number) if service != "s3" else without_repeated(number)
    sent = body(number).decode()
    asked = {"method": "PUT", "url": address, "body": sent, "headers": {"Content-Type": "application/json"}}
    headers = node.ask("aws.sign", **asked, id=ID, secret=SECRET, service=service)
    return Request.to(address, "PUT", headers.items(), sent)


def presigned_by_aws4(node, number):
    asked = {"method": "GET", "url": without_repeated(number), "id": ID, "secret": SECRET, "service": "s3"}
    return Request.to(S3 + node.ask("aws.presign", **asked), "GET", [])


def by_minio(number):
    sent, now = body(number), datetime.datetime.now(datetime.timezone.utc)
    digest = minio.helpers.sha256_hash(sent)
    parts = urllib.parse.urlsplit(f"{S3}/photos/a%20b.jpg?n={number}")
    headers = {"Host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}"}
    signed = minio.signer.sign_v4_s3(
        method="PUT",
        url=parts,
        region=REGION,
        headers=headers,
        credentials=minio.credentials.Credentials(ID, SECRET),
        content_sha256=digest,
        date=now,
    )
    return Request.to(parts.geturl(), "PUT", signed.items(), sent)


def presigned_by_minio(number):
    signed = minio.signer.presign_v4(
        method="GET",
        url=urllib.parse.urlsplit(f"{S3}/photos/a%20b.jpg?n={number}"),
        region=REGION,
        credentials=minio.credentials.Credentials(ID, SECRET),
        date=datetime.datetime.now(datetime.timezone.utc),
        expires=300,
    )
    return Request.to(signed.geturl(), "GET", [])


def verifiers(_node):
    """AWS has no verifier to give away: the same request is signed again, at the same time, and must come out alike."""
    by = installed("botocore")
    yield Verifier("aws-sigv4", by, lambda sent: again(sent, botocore.auth.SigV4Auth), signed_again=True)
    yield Verifier("aws-sigv4-s3", by, lambda sent: again(sent, botocore.auth.S3SigV4Auth), signed_again=True)
    yield Verifier("aws-sigv4-presigned", by, lambda sent: again_in_query(sent, False), signed_again=True)
    yield Verifier("aws-sigv4-s3-presigned", by, lambda sent: again_in_query(sent, True), signed_again=True)


def again(request, auth):
    ours = request.header("Authorization")
    _, _, rest = ours.partition("Credential=")
    _, _, region, service, _ = rest.partition(",")[0].split("/")
    listed = ours.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    remade = botocore.awsrequest.AWSRequest(method=request.method, url=request.url(), data=request.body)
    for name in listed:
        remade.headers[name] = request.header(name)
    remade.context["timestamp"] = request.header("X-Amz-Date")
    signer = auth(CREDENTIALS, service, region)
    string = signer.string_to_sign(remade, signer.canonical_request(remade))
    return signer.signature(string, remade) == ours.partition("Signature=")[2]


def again_in_query(request, s3):
    pieces = [piece for piece in request.query.split("&") if not piece.startswith("X-Amz-Signature=")]
    fields = dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True))
    _, _, region, service, _ = fields["X-Amz-Credential"].split("/")
    remade = botocore.awsrequest.AWSRequest(
        method=request.method, url=f"https://{request.header('host')}{request.path}?{'&'.join(pieces)}"
    )
    remade.context["timestamp"] = fields["X-Amz-Date"]
    if s3:
        signer = botocore.auth.S3SigV4QueryAuth(CREDENTIALS, service, region)
    else:
        signer = botocore.auth.SigV4QueryAuth(CREDENTIALS, service, region)
        remade.data = request.body
    string = signer.string_to_sign(remade, signer.canonical_request(remade))
    return signer.signature(string, remade) == fields["X-Amz-Signature"]
