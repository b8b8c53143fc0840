"""Huawei Cloud, Volcengine and OpenStack Swift, by the code that their SDKs sign with."""

import datetime
import json
import types
import urllib.parse

import swiftclient.utils
import volcengine.ApiInfo
import volcengine.Credentials
import volcengine.ServiceInfo
import volcengine.auth.SignerV4
import volcengine.base.Service
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from ..model import ID, SECRET, Client, Request, Setting, Verifier, installed
from ..wire import caught

HUAWEI, VOLCENGINE, SWIFT = "ecs.huawei.example.com", "iam.volcengine.example.com", "https://swift.example.com"
REGION, SERVICE = "cn-north-1", "iam"


def settings():
    yield Setting("huawei", "huawei", f"https://{HUAWEI}")
    yield Setting("volcengine", "volcengine", f"https://{VOLCENGINE}")
    yield Setting("swift-tempurl", "swift-tempurl", SWIFT)


def clients(_node):
    huawei, volc = installed("huaweicloudsdkcore"), installed("volcengine")
    yield Client("huawei", huawei, lambda number: by_huawei("POST", number, json.dumps({"lamp": number})))
    yield Client("huawei", f"{huawei}, GET", lambda number: by_huawei("GET", number))
    yield Client("volcengine", volc, lambda number: caught(volc_service().json, "update", query(number), body(number)))
    yield Client("volcengine", f"{volc}, GET", lambda number: caught(volc_service().get, "list", query(number)))
    yield Client("swift-tempurl", installed("python-swiftclient"), by_swift)


def query(number):
    return {"n": str(number), "name": "a b/ä*~"}


def body(number):
    return json.dumps({"lamp": number})


def huawei_signed(method, path, parameters, headers, content):
    request = SdkRequest(method, "https", HUAWEI, path, query_params=parameters, header_params=headers, body=content)
    return Signer(types.SimpleNamespace(ak=ID, sk=SECRET)).sign(request)


def by_huawei(method, number, content=""):
    headers = {"Content-Type": "application/json", "User-Agent": "huaweicloud-usdk-python/3.0"}
    signed = huawei_signed(method, f"/v1/lamps/{number}/on", list(query(number).items()), headers, content)
    return Request.to(signed.url, method, signed.header_params.items(), signed.body)


def volc_service():
    credentials = volcengine.Credentials.Credentials(ID, SECRET, SERVICE, REGION)
    apis = {
        name: volcengine.ApiInfo.ApiInfo(method, "/", {"Action": name, "Version": "2018-01-01"}, {}, {})
        for name, method in (("update", "POST"), ("list", "GET"))
    }
    info = volcengine.ServiceInfo.ServiceInfo(VOLCENGINE, {}, credentials, 5, 5, "https")
    service = volcengine.base.Service.Service(info, apis)
    # Whatever this machine has in its home.
    service.set_ak(ID)
    service.set_sk(SECRET)
    return service


def by_swift(number):
    path = swiftclient.utils.generate_temp_url(f"/v1/AUTH_lamps/on/{number}", 300, SECRET, "GET", digest="sha256")
    return Request.to(SWIFT + path, "GET", [])


def verifiers(_node):
    yield Verifier("huawei", installed("huaweicloudsdkcore"), huawei_again, signed_again=True)
    yield Verifier("volcengine", installed("volcengine"), volc_again, signed_again=True)
    yield Verifier("swift-tempurl", installed("python-swiftclient"), swift_again, signed_again=True)


def pairs(request):
    return urllib.parse.parse_qsl(request.query, keep_blank_values=True)


def huawei_again(request):
    ours = request.header("Authorization")
    headers = {"Host": request.header("host"), "X-Sdk-Date": request.header("X-Sdk-Date")}
    again = huawei_signed(request.method, request.path, pairs(request), headers, request.body)
    return ours == again.header_params["Authorization"]


def volc_again(request):
    param = types.SimpleNamespace(
        host=request.header("host"),
        method=request.method,
        path=request.path,
        query=dict(pairs(request)),
        body=request.body,
        header_list={"Host": request.header("host")},
        date=datetime.datetime.strptime(request.header("X-Date"), "%Y%m%dT%H%M%SZ"),
        is_sign_url=False,
    )
    credentials = volcengine.Credentials.Credentials(ID, SECRET, SERVICE, REGION)
    again = volcengine.auth.SignerV4.SignerV4.sign_only(param, credentials)
    return again.authorization == request.header("Authorization")


def swift_again(request):
    given = dict(pairs(request))
    again = swiftclient.utils.generate_temp_url(
        request.path, given["temp_url_expires"], SECRET, request.method, absolute=True, digest="sha256"
    )
    return dict(urllib.parse.parse_qsl(again.partition("?")[2]))["temp_url_sig"] == given["temp_url_sig"]
