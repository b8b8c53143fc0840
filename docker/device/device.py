"""A device that signs `mac_address:timestamp`, and now and then sends what it should not.

Every request is printed with the status that it should get and the one it got.
"""

import hashlib
import hmac
import itertools
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request

GATEWAY = os.environ.get("GATEWAY", "http://127.0.0.1:8000")
KEY = os.environ["DEVICE_KEY"].encode()
MAC_ADDRESS = os.environ.get("MAC_ADDRESS", "12:34:56:78:9a:bc")
SECONDS_BETWEEN = float(os.environ.get("SECONDS_BETWEEN", "2"))


def signature(mac_address, timestamp):
    return hmac.new(KEY, f"{mac_address}:{timestamp}".encode(), hashlib.sha256).hexdigest()


def send(mac_address, timestamp, signed):
    """Posts one request; returns the status and the answer's text."""
    body = json.dumps({"mac_address": mac_address, "timestamp": timestamp}).encode()
    headers = {"Content-Type": "application/json"}
    if signed is not None:
        headers["X-HMAC-Signature"] = signed
    request = urllib.request.Request(f"{GATEWAY}/verify", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode(errors="replace")


def honest(now):
    return 200, send(MAC_ADDRESS, now, signature(MAC_ADDRESS, now))


def tampered(now):
    return 403, send("de:ad:be:ef:00:00", now, signature(MAC_ADDRESS, now))


def replayed(now):
    honest(now)
    return 409, send(MAC_ADDRESS, now, signature(MAC_ADDRESS, now))


def stale(now):
    return 403, send(MAC_ADDRESS, now - 3600, signature(MAC_ADDRESS, now - 3600))


def unsigned(now):
    return 400, send(MAC_ADDRESS, now, None)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    story = [honest, honest, tampered, honest, replayed, honest, stale, honest, unsigned]
    for request in itertools.cycle(story):
        try:
            expected, (status, text) = request(int(time.time()))
            verdict = "as expected" if status == expected else f"EXPECTED {expected}"
            print(f"{request.__name__:<9} → {status} {text.strip()} ({verdict})")
        except OSError as error:
            print(f"{request.__name__:<9} → no answer: {error}")
        time.sleep(SECONDS_BETWEEN)


if __name__ == "__main__":
    main()
