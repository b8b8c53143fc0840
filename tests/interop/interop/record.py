"""The clients' requests, kept: `cargo test` verifies them again, each at the time when it was signed."""

import collections
import json
import pathlib

from . import wire

FOLDER = pathlib.Path(__file__).parents[1] / "recorded"


def write(gateway, trials, folder=FOLDER):
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.http"):
        old.unlink()
    ports = {name: 18000 + at for at, name in enumerate(gateway.settings)}
    (folder / "gateway.yaml").write_text(gateway.written(ports))
    counts = collections.Counter()
    index = [one(folder, gateway, trial, counts) for trial in trials if trial.client.independent]
    (folder / "index.json").write_text(json.dumps(index, indent=1) + "\n")


def one(folder, gateway, trial, counts):
    name = trial.client.setting
    counts[name] += 1
    setting, file = gateway.settings[name], f"{name}-{counts[name]}.http"
    (folder / file).write_bytes(wire.text(trial.request))
    keys = gateway.keys(setting, setting.secret)
    known = {"scheme": name, "by": trial.client.by, "at": trial.at, "origin": setting.origin, "keys": keys}
    return {"file": file, **known}
