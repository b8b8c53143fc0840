"""The drill of unknown keys: RATE tokens a second name keys that do not exist, and neither the issuer nor a client notices. Run by
`scripts/drill unknown-kids`.

The issuer is a server of key sets of this drill's own. For SECONDS each it serves, then has a new key, then hangs, then lies, then is away,
all the while under the flood. At most one fetch a cool-down may reach it, the new key must be accepted within a cool-down, and
every token of a known key must be accepted throughout, as fast as without the flood, about.
"""

import argparse
import base64
import http.client
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
RECORDED = os.path.join(HERE, "../interop/recorded/tokens.json")
COOLDOWN = 2
THREADS = 8

CONFIG = """
listen: "127.0.0.1:{gateway}"
admin: "127.0.0.1:{admin}"
tokens:
  api:
    jwks: {{ url: "http://127.0.0.1:{issuer}/keys", refresh: 60s, cooldown: {cooldown}s, stale: 1h }}
    issuer: https://issuer.test
    audience: api
upstreams: {{ ok: {{ respond: {{ body: ok }} }} }}
routes: [{{ match: {{ path: /** }}, require: {{ jwt: api }}, to: ok }}]
log: {{ access: off }}
"""


class Issuer(http.server.BaseHTTPRequestHandler):
    """Does what `mood` says, and notes when it was asked."""

    mood, keys, asked = "serves", [], []

    def do_GET(self):
        Issuer.asked.append(time.monotonic())
        if Issuer.mood == "is away":
            self.close_connection = True
            return
        if Issuer.mood == "hangs":
            time.sleep(15)
            return
        body = b"<html>" if Issuer.mood == "lies" else json.dumps({"keys": Issuer.keys}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def encoded(document):
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def status(connection, token):
    connection.request("GET", "/", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def flood(number, port, rate, stop, results):
    """Unknown keys at an even pace; how many, and how many were answered by anything but 401."""
    connection, sent, odd, due = http.client.HTTPConnection("127.0.0.1", port, timeout=10), 0, 0, time.monotonic()
    claims = encoded({"iss": "https://issuer.test", "aud": "api", "exp": 4102444800})
    while not stop.is_set():
        header = encoded({"alg": "ES256", "kid": f"invented-{number}-{sent}"})
        odd += status(connection, f"{header}.{claims}.{'A' * 86}") != 401
        sent += 1
        due += THREADS / rate
        time.sleep(max(0.0, due - time.monotonic()))
    results.append((sent, odd))


class Watch(threading.Thread):
    """A token of a known key, fifty times a second: how it fares."""

    def __init__(self, port, token):
        super().__init__()
        self.port, self.token, self.waits, self.refused, self.stop = port, token, [], 0, threading.Event()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not self.stop.wait(0.02):
            begun = time.monotonic()
            self.refused += status(connection, self.token) != 200
            self.waits.append((begun, time.monotonic() - begun))


def p99(waits):
    waits = sorted(waits)
    return waits[len(waits) * 99 // 100] * 1000 if waits else 0.0


failed = False


def verdict(good, text):
    global failed
    failed = failed or not good
    print(f"{'ok  ' if good else 'FAIL'} {text}", flush=True)


def drill(arguments, directory):
    with open(RECORDED, encoding="utf-8") as file:
        recorded = json.load(file)
    tokens = {made["algorithm"]: made["token"] for made in recorded["tokens"] if made["library"] == "PyJWT"}
    known = [key for key in recorded["keys"] if key["kid"] == "ES256"]
    Issuer.keys = known
    issuer = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
    issuer.daemon_threads = True
    threading.Thread(target=issuer.serve_forever, daemon=True).start()
    port, admin = free_port(), free_port()
    path = os.path.join(directory, "gateway.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIG.format(gateway=port, admin=admin, issuer=issuer.server_port, cooldown=COOLDOWN))
    gateway = subprocess.Popen([arguments.binary, "run", "-c", path, "--workers", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        begun = time.monotonic()
        while socket.socket().connect_ex(("127.0.0.1", port)):
            if gateway.poll() is not None or time.monotonic() - begun > 30:
                sys.exit("the gateway does not start")
            time.sleep(0.01)
        under_flood(arguments, port, tokens, [*known, *(key for key in recorded["keys"] if key["kid"] == "PS256")])
    finally:
        gateway.kill()
        gateway.wait()
        issuer.shutdown()


def under_flood(arguments, port, tokens, rotated):
    watch = Watch(port, tokens["ES256"])
    watch.start()
    time.sleep(2)
    stop, results, before = threading.Event(), [], len(Issuer.asked)
    flooding = time.monotonic()
    threads = [threading.Thread(target=flood, args=(n, port, arguments.rate, stop, results)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    time.sleep(arguments.seconds)
    Issuer.keys, turned = rotated, time.monotonic()
    fresh = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while status(fresh, tokens["PS256"]) != 200 and time.monotonic() - turned < 10 * COOLDOWN:
        time.sleep(0.02)
    after = time.monotonic() - turned
    for mood in ("hangs", "lies", "is away"):
        Issuer.mood = mood
        time.sleep(arguments.seconds)
    took = time.monotonic() - flooding
    asked = Issuer.asked[before:]
    stop.set()
    watch.stop.set()
    for thread in [*threads, watch]:
        thread.join()
    sent, odd = sum(sent for sent, _ in results), sum(odd for _, odd in results)
    verdict(sent / took > arguments.rate * 0.8, f"{sent} tokens of unknown keys in {took:.1f} s, {sent / took:.0f} a second")
    verdict(odd == 0, f"{odd} of them were answered by anything but 401")
    gaps = [later - earlier for earlier, later in zip(asked, asked[1:])]
    verdict(len(asked) <= took / COOLDOWN + 1, f"{len(asked)} fetches, one in {COOLDOWN} s allowed, at least {min(gaps, default=0):.2f} s between two")
    verdict(after < COOLDOWN + 0.5, f"a new key accepted after {after:.2f} s")
    calm = p99([wait for at, wait in watch.waits if at < flooding])
    busy = p99([wait for at, wait in watch.waits if at >= flooding])
    verdict(watch.refused == 0, f"{watch.refused} of {len(watch.waits)} requests with a known key refused, while it hung, lied and was away")
    verdict(busy < calm + 25, f"p99 of those {busy:.1f} ms under the flood, {calm:.1f} ms before it")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.path.join(HERE, "../../target/release/countersign"))
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=8)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        drill(arguments, directory)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
