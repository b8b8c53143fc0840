"""Requests for `countersign sign`, such as each dialect's verifier can read."""

import hashlib
import json

from .model import Request

EVENT = json.dumps({"id": "evt_1", "object": "event", "type": "lamp.on", "event": "lamp.on", "payload": {"lamp": 1}})
FORM = [("Content-Type", "application/x-www-form-urlencoded")]


def request(setting):
    """What is to be signed."""
    url, json_type = f"{setting.origin}/lamps/on?x=1&y=%2F", [("Content-Type", "application/json")]
    # Zoom's verifier signs what it makes of the JSON, so there must be no spaces in it.
    body = json.dumps(json.loads(EVENT), separators=(",", ":"))
    match setting.preset:
        case "twilio" | "oauth1":
            return Request.to(url, "POST", FORM, "CallSid=CA1&From=%2B1415&Body=the+lamp")
        case "twilio-json":
            digest = hashlib.sha256(body.encode()).hexdigest()
            return Request.to(f"{setting.origin}/lamps?bodySHA256={digest}", "POST", json_type, body)
        case "kraken":
            return Request.to(f"{setting.origin}/0/private/AddOrder", "POST", FORM, "nonce=1714485600000&note=lamp")
        case "binance":
            return Request.to(f"{setting.origin}/api/v3/order?symbol=LTCBTC", "GET", [])
        case "aws-sigv4-presigned" | "aws-sigv4-s3-presigned" | "gcs-presigned":
            return Request.to(url, "GET", [])
        case "device":
            body = json.dumps({"mac_address": "00:1A:2B:3C:4D:5E", "timestamp": 1714485600})
            return Request.to(f"{setting.origin}/verify", "POST", json_type, body)
        case "okx":
            return Request.to(f"{setting.origin}/api/v5/trade/order", "POST", json_type, body)
        case "kucoin":
            return Request.to(f"{setting.origin}/api/v1/orders", "POST", json_type, body)
        case "swift-tempurl":
            return Request.to(f"{setting.origin}/v1/AUTH_lamps/on/1", "GET", [])
        case "azure-sas":
            return Request.to(f"{setting.origin}/", "GET", [])
        case "tencent-tc3":
            return Request.to(f"{setting.origin}/", "POST", json_type, body)
        case "alibaba-acs3":
            return Request.to(f"{setting.origin}/lamps?x=1&y=2", "POST", json_type, body)
    return Request.to(url, "POST", json_type, body)
