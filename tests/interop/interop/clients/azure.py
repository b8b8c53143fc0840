"""Azure: shared access signatures, App Configuration and Storage."""

import types
import unittest.mock

import azure.appconfiguration
import azure.core.credentials
import azure.core.rest
import azure.storage.blob
from azure.appconfiguration import _azure_appconfiguration_requests as appconfig
from azure.eventhub import EventHubSharedKeyCredential
from azure.iot.device.common.auth.sastoken import RenewableSasToken
from azure.iot.device.common.auth.signing_mechanism import SymmetricKeySigningMechanism
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy

from ..model import ID, SECRET, Client, Request, Setting, Verifier, installed
from ..wire import caught

HUB = "https://hub.azure-devices.example.net"
CONFIG = "https://store.azconfig.example.io"
STORAGE, ACCOUNT = "https://lamps.blob.example.net", "lamps"
DEVICE = "hub.azure-devices.example.net/devices/lamp-1"


def settings():
    # A device's token names no key; its id is then the resource.
    yield Setting("azure-sas", "azure-sas", HUB, ids=(ID, DEVICE.replace("/", "%2F")))
    # Event Hubs and Service Bus sign with the text of the key.
    yield Setting("azure-sas-event-hubs", "azure-sas", HUB, changes={"signing_key": "{secret}"})
    yield Setting("azure-appconfig", "azure-appconfig", CONFIG)
    yield Setting("azure-storage", "azure-storage", STORAGE, ids=(ACCOUNT,))


def clients(_node):
    yield Client("azure-sas", installed("azure-iot-device"), by_a_device)
    yield Client("azure-sas-event-hubs", installed("azure-eventhub"), by_eventhub)
    yield Client("azure-appconfig", installed("azure-appconfiguration"), by_appconfig)
    storage = installed("azure-storage-blob")
    yield Client("azure-storage", storage, by_storage)
    yield Client("azure-storage", f"{storage}, GET", by_storage_list)


def by_a_device(number):
    token = RenewableSasToken(DEVICE, SymmetricKeySigningMechanism(SECRET))
    return telemetry(str(token), number)


def by_eventhub(number):
    token = EventHubSharedKeyCredential(ID, SECRET).get_token(f"{HUB}/devices").token
    return telemetry(token.decode() if isinstance(token, bytes) else token, number)


def telemetry(token, number):
    address = f"https://{DEVICE}/messages/events?api-version=2020-03-13"
    return Request.to(address, "POST", [("Authorization", token)], f'{{"lamp":{number}}}')


def by_appconfig(number):
    client = azure.appconfiguration.AzureAppConfigurationClient.from_connection_string(
        f"Endpoint={CONFIG};Id={ID};Secret={SECRET}"
    )
    setting = azure.appconfiguration.ConfigurationSetting(key=f"a/b c {number}", label="ä", value="lamp")
    return caught(client.set_configuration_setting, setting)


def container():
    credential = {"account_name": ACCOUNT, "account_key": SECRET}
    return azure.storage.blob.ContainerClient(STORAGE, "on off", credential=credential)


def by_storage(number):
    blob = container().get_blob_client(f"a b/ä{number}")
    return caught(blob.upload_blob, f'{{"lamp":{number}}}'.encode(), metadata={"lamp": "on"}, overwrite=True)


def by_storage_list(number):
    return caught(lambda: list(container().list_blobs(name_starts_with=f"a b/{number}", include=["metadata"])))


def verifiers(_node):
    yield Verifier("azure-storage", installed("azure-storage-blob"), storage_again, signed_again=True)
    yield Verifier("azure-appconfig", installed("azure-appconfiguration"), appconfig_again, signed_again=True)
    yield Verifier("azure-sas", installed("azure-iot-device"), sas_again, signed_again=True)
    yield Verifier("azure-sas-event-hubs", installed("azure-eventhub"), event_hubs_again, signed_again=True)


def appconfig_again(request):
    policy = appconfig.AppConfigRequestsCredentialsPolicy(azure.core.credentials.AzureKeyCredential(SECRET), CONFIG, ID)
    sent = types.SimpleNamespace(method=request.method, url=request.url(), headers={}, body=request.body.decode())
    wrapped = types.SimpleNamespace(http_request=sent, context=types.SimpleNamespace(transport=None))
    with unittest.mock.patch.object(appconfig, "get_current_utc_time", lambda: request.header("x-ms-date")):
        policy._signed_request(wrapped)  # pylint: disable=protected-access
    return sent.headers["Authorization"] == request.header("Authorization")


def storage_again(request):
    headers = {name.lower(): value for name, value in request.headers if name.lower() != "authorization"}
    headers["content-length"] = str(len(request.body))
    sent = azure.core.rest.HttpRequest(request.method, request.url(), headers=headers)
    wrapped = types.SimpleNamespace(http_request=sent, context=types.SimpleNamespace(transport=None))
    SharedKeyCredentialPolicy(ACCOUNT, SECRET).on_request(wrapped)
    return sent.headers["Authorization"] == request.header("Authorization")


def sas_again(request):
    stated = parts(request.header("Authorization"))
    with unittest.mock.patch("time.time", lambda: int(stated["se"])):
        token = RenewableSasToken(request.header("host"), SymmetricKeySigningMechanism(SECRET), ID, ttl=0)
    return parts(str(token)) == stated


def event_hubs_again(request):
    """Its tokens last an hour."""
    stated = parts(request.header("Authorization"))
    with unittest.mock.patch("time.time", lambda: int(stated["se"]) - 3600):
        token = EventHubSharedKeyCredential(ID, SECRET).get_token(request.header("host")).token
    return parts(token.decode() if isinstance(token, bytes) else token) == stated


def parts(token):
    return dict(part.split("=", 1) for part in token.removeprefix("SharedAccessSignature ").split("&"))
