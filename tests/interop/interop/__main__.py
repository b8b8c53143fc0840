"""Runs it all; the exit code is 1 where anything is not as it should be."""

import argparse
import itertools
import logging
import pathlib
import sys
import tempfile

from . import record, report, trial
from .clients import FAMILIES
from .gateway import Gateway
from .node import Node

# As many dialects, at least, as a client that is not ours must have signed.
INDEPENDENT = 25


def main():
    arguments = parsed()
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder, Node(arguments.home) as node:
        settings = {each.name: each for family in FAMILIES for each in family.settings()}
        with Gateway(arguments.binary, pathlib.Path(folder), settings) as gateway:
            return run(gateway, node, arguments)


def run(gateway, node, arguments):
    def wanted(name):
        return not arguments.only or gateway.settings[name].preset in arguments.only

    clients = [each for family in FAMILIES for each in family.clients(node) if wanted(each.setting)]
    verifiers = [each for family in FAMILIES for each in family.verifiers(node) if wanted(each.setting)]
    trials, found = theirs(gateway, clients, verifiers, arguments.verbose)
    vouched = ours(gateway, filter(wanted, gateway.settings), verifiers, found)
    presets = [name for name in gateway.presets() if not arguments.only or name in arguments.only]
    independent, untried = report.summary(trials, presets, vouched)
    if not arguments.only:
        found += [(name, "no client tried it") for name in untried]
        if len(independent) < INDEPENDENT:
            found.append(("all", f"fewer than {INDEPENDENT} dialects by an independent client"))
    if arguments.record and not found:
        record.write(gateway, trials)
    report.faults(found)
    print(f"{len(trials)} clients, {len(found)} faults")
    return 1 if found else 0


def theirs(gateway, clients, verifiers, verbose):
    numbers, trials, found = itertools.count(1), [], []
    order = list(gateway.settings)
    report.heading()
    for client in sorted(clients, key=lambda each: order.index(each.setting)):
        client.preset = gateway.settings[client.setting].preset
        done = trial.of_client(gateway, client, numbers, [v for v in verifiers if v.setting == client.setting])
        report.line(done, verbose)
        found += [(f"{client.setting}, {client.by}", fault) for fault in done.faults]
        trials.append(done)
    return trials, found


def ours(gateway, names, verifiers, found):
    print("\nWHAT countersign sign MAKES IS BELIEVED BY")
    vouched = set()
    for name in names:
        setting = gateway.settings[name]
        if not setting.signs:
            continue
        faults, believed_by = trial.of_ours(gateway, setting, [v for v in verifiers if v.setting == name])
        report.ours(name, believed_by)
        found += [(name, fault) for fault in faults]
        vouched |= {setting.preset} if believed_by else set()
    return vouched


def parsed():
    parser = argparse.ArgumentParser(prog="scripts/interop")
    parser.add_argument("--binary", required=True)
    parser.add_argument("--home", required=True, type=pathlib.Path)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--only", action="append", metavar="PRESET")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
