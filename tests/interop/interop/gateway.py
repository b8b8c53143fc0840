"""The gateway under test: one listener, scheme and route for each setting; and the binary's other commands."""

import json
import re
import socket
import subprocess
import time

from . import wire

# Schemes that are no presets.
BUILT_IN = ("rfc9421",)


class Gateway:
    def __init__(self, binary, folder, settings):
        self.binary, self.folder, self.settings = binary, folder, settings
        self.ports = dict(zip(settings, free_ports(len(settings))))
        self.config = folder / "gateway.yaml"
        # JSON is YAML.
        self.config.write_text(self.written(self.ports))
        checked = self.command("check", "-c", self.config, "--json")
        report = json.loads(checked.stdout or "{}")
        if not report.get("ok"):
            errors = [each for each in report.get("problems", []) if each["severity"] == "error"]
            raise SystemExit(f"the config is refused: {json.dumps(errors, indent=1) or checked.stderr.decode()}")
        self.schemes = {scheme["name"]: scheme for scheme in report["schemes"]}
        self.process = None

    def written(self, ports):
        config = {"listen": [], "keys": {}, "schemes": {}, "upstreams": {"echo": {"echo": True}}, "routes": []}
        for name, setting in self.settings.items():
            address = f"127.0.0.1:{ports[name]}"
            secret = {"value": setting.secret}
            has_id = self.has_id(setting)
            config["listen"].append({"address": address, "name": name, "public_origin": setting.origin})
            config["keys"][name] = {"static": {id: secret for id in setting.ids}} if has_id else {"shared": secret}
            preset = {} if setting.preset in BUILT_IN else {"preset": setting.preset}
            config["schemes"][name] = {**preset, "keys": name, **setting.changes}
            route = {"name": name, "match": {"path": "/**", "listen": name}, "require": {"hmac": name}, "to": "echo"}
            config["routes"].append(route)
        return json.dumps(config, indent=1) + "\n"

    def has_id(self, setting):
        return setting.preset in BUILT_IN or re.search("^key_id:", self.shown(setting.preset), re.MULTILINE)

    def shown(self, preset):
        shown = self.command("scheme", "show", preset)
        if shown.returncode:
            raise SystemExit(shown.stderr.decode())
        return shown.stdout.decode()

    def presets(self):
        listed = [line.split()[0] for line in self.command("scheme", "list").stdout.decode().splitlines()[1:]]
        return listed + [setting.preset for setting in self.settings.values() if setting.preset in BUILT_IN]

    def command(self, *arguments, given=None):
        return subprocess.run([self.binary, *map(str, arguments)], input=given, capture_output=True, timeout=60)

    def keys(self, setting, secret):
        """A keys file."""
        return "".join(f"{id},{secret}\n" for id in setting.ids) if self.has_id(setting) else f"{secret}\n"

    def sign(self, name, request):
        """The request as `countersign sign` signs it."""
        setting, keys = self.settings[name], self.folder / f"{name}.keys"
        keys.write_text(self.keys(setting, setting.signing_secret or setting.secret))
        arguments = [
            "sign",
            "-",
            "-c",
            self.config,
            "--scheme",
            name,
            "--keys",
            keys,
            "--public-origin",
            setting.origin,
        ]
        arguments += ["--id", setting.ids[0]] if self.has_id(setting) else []
        signed = self.command(*arguments, given=wire.text(request))
        if signed.returncode:
            raise AssertionError(signed.stderr.decode().strip())
        return wire.parse(signed.stdout)

    def __enter__(self):
        log = open(self.folder / "gateway.log", "wb")
        self.process = subprocess.Popen([self.binary, "run", "-c", self.config], stdout=log, stderr=log)
        for port in self.ports.values():
            self.await_port(port)
        return self

    def await_port(self, port):
        for _ in range(600):
            if self.process.poll() is not None:
                raise SystemExit(f"the gateway ended: {(self.folder / 'gateway.log').read_text()}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise SystemExit(f"nothing listens on {port}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
