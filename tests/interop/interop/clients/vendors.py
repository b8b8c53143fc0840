"""Tencent Cloud, Alibaba Cloud and Tuya, each by the vendor's own SDK, whole: what it would have sent is caught."""

import time
import types

import alibabacloud_tea_openapi.client
import alibabacloud_tea_openapi.models
import alibabacloud_tea_openapi.utils
import darabonba.runtime
import tencentcloud.common.abstract_client
import tencentcloud.common.common_client
import tencentcloud.common.credential
import tencentcloud.common.profile.client_profile
import tencentcloud.common.profile.http_profile
import tuya_connector

from ..model import ID, SECRET, Client, Setting, Verifier, installed
from ..wire import caught

TENCENT = "cvm.tencent.example.com"
ALIBABA = "fc.alibaba.example.com"
TUYA = "https://openapi.tuya.example.com"


def settings():
    yield Setting("tencent-tc3", "tencent-tc3", f"https://{TENCENT}")
    yield Setting("alibaba-acs3", "alibaba-acs3", f"https://{ALIBABA}")
    yield Setting("tuya", "tuya", TUYA)


def clients(_node):
    tencent, alibaba, tuya = map(
        installed, ("tencentcloud-sdk-python-common", "alibabacloud-tea-openapi", "tuya-connector-python")
    )
    yield Client("tencent-tc3", tencent, lambda number: by_tencent("POST", number))
    yield Client("tencent-tc3", f"{tencent}, GET", lambda number: by_tencent("GET", number))
    yield Client("alibaba-acs3", alibaba, lambda number: by_alibaba("ROA", "PUT", f"/lamps/a b/{number}", number))
    yield Client("alibaba-acs3", f"{alibaba}, RPC", lambda number: by_alibaba("RPC", "POST", "/", number))
    yield Client("tuya", tuya, lambda number: caught(tuya_client().post, f"/v1.0/lamps/{number}", {"lamp": "on"}))
    yield Client(
        "tuya", f"{tuya}, GET", lambda number: caught(tuya_client().get, "/v1.0/lamps", {"n": number, "a": "x"})
    )


def tencent_client(method="POST"):
    http = tencentcloud.common.profile.http_profile.HttpProfile(endpoint=TENCENT, reqMethod=method)
    profile = tencentcloud.common.profile.client_profile.ClientProfile(httpProfile=http)
    credential = tencentcloud.common.credential.Credential(ID, SECRET)
    return tencentcloud.common.common_client.CommonClient("cvm", "2017-03-12", credential, "ap-guangzhou", profile)


def by_tencent(method, number):
    return caught(tencent_client(method).call_json, "DescribeLamps", {"Limit": number, "Lamp": "lamp a b"})


def by_alibaba(style, method, path, number):
    models = alibabacloud_tea_openapi.models
    config = models.Config(access_key_id=ID, access_key_secret=SECRET, endpoint=ALIBABA, protocol="HTTPS")
    client = alibabacloud_tea_openapi.client.Client(config)
    params = models.Params(
        action="UpdateLamp",
        version="2023-03-30",
        protocol="HTTPS",
        pathname=alibabacloud_tea_openapi.utils.Utils.get_encode_path(path),
        method=method,
        auth_type="AK",
        style=style,
        req_body_type="json",
        body_type="json",
    )
    request = models.OpenApiRequest(query={"n": str(number), "name": "a b/ä*~"}, body={"lamp": number})
    return caught(client.call_api, params, request, darabonba.runtime.RuntimeOptions())


def tuya_client():
    client = tuya_connector.TuyaOpenAPI(TUYA, ID, SECRET)
    token = {"t": int(time.time() * 1000), "result": {"access_token": "token-1", "expire": 7200}}
    client.token_info = tuya_connector.openapi.TuyaTokenInfo(token)
    return client


def verifiers(_node):
    tencent, alibaba = map(installed, ("tencentcloud-sdk-python-common", "alibabacloud-tea-openapi"))
    yield Verifier("tencent-tc3", tencent, tencent_again, signed_again=True)
    yield Verifier("alibaba-acs3", alibaba, alibaba_again, signed_again=True)


def tencent_again(request):
    header = {"Content-Type": request.header("Content-Type"), "Host": request.header("host")}
    header["X-TC-Timestamp"] = request.header("X-TC-Timestamp")
    sent = types.SimpleNamespace(method=request.method, uri=request.path, header=header, data=request.body)
    ours = request.header("Authorization")
    _, day, service, _ = ours.partition("Credential=")[2].partition(",")[0].split("/")
    client = tencent_client()
    again = client._get_tc3_signature({}, sent, day, service, SECRET)  # pylint: disable=protected-access
    return ours.endswith(f"Signature={again}")


def alibaba_again(request):
    ours = request.header("Authorization")
    listed = ours.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    headers = {name: request.header(name) for name in listed}
    query = dict(pair.split("=", 1) for pair in request.query.split("&")) if request.query else {}
    sent = types.SimpleNamespace(method=request.method, pathname=request.path, query=query, headers=headers)
    utils = alibabacloud_tea_openapi.utils.Utils
    payload = request.header("x-acs-content-sha256")
    again = utils.get_authorization(sent, "ACS3-HMAC-SHA256", payload, ID, SECRET)
    return ours.rpartition("Signature=")[2] == again.rpartition("Signature=")[2]
