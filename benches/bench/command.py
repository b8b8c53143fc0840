"""The command line of scripts/bench."""

import argparse
import datetime
import os
import signal
import subprocess
import sys
import tempfile
import time

from . import document, machine, sections
from .run import TREE, Run
from .servers import Failed

ROUNDS, SECONDS = 5, 2
# More would need more signatures than the replay memory of config/bench.yaml holds.
MOST_SECONDS = 15


def main(description):
    options = arguments(description)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        return act(options)
    except Failed as failure:
        return f"scripts/bench: {failure}"


def stop(*_):
    """What was started is ended on the way out; a second Ctrl-C must not cut that short."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit("stopped")


def arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "sections",
        nargs="*",
        metavar="SECTION",
        choices=[*sections.MODULES, "all", []],
        help="all, or any of: " + ", ".join(sections.MODULES),
    )
    parser.add_argument(
        "--rounds", type=positive, metavar="N", default=ROUNDS, help=f"rounds of each section (default: {ROUNDS})"
    )
    parser.add_argument(
        "--seconds",
        type=int,
        choices=range(1, MOST_SECONDS + 1),
        metavar="S",
        default=SECONDS,
        help=f"seconds of load each time (default: {SECONDS})",
    )
    parser.add_argument("--binary", metavar="PATH", default=os.path.join(TREE, "target/release/countersign"))
    parser.add_argument(
        "--json", metavar="FILE", help="add the figures to this file (with --write: docs/performance/figures.json)"
    )
    parser.add_argument(
        "--write", action="store_true", help="write docs/performance.md and its charts from the figures in that file"
    )
    options = parser.parse_args()
    if not options.sections and not options.write:
        parser.error("say which section, or all")
    return options


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def act(options):
    path = options.json or (document.FIGURES if options.write else None)
    names = list(sections.MODULES) if "all" in options.sections else list(dict.fromkeys(options.sections))
    failures = measure(options, names, path) if names else []
    if options.write:
        everything = document.read(path)
        if not everything:
            raise Failed(f"{path} has no figures")
        document.write(everything)
    for failure in failures:
        print("FAILED", failure, file=sys.stderr)
    return 1 if failures else 0


def measure(options, names, path):
    """Measures and prints the sections, and saves each as soon as it is there; returns what failed."""
    if not os.access(options.binary, os.X_OK):
        raise Failed(f"{options.binary} is not there: cargo build --release, or --binary PATH")
    if os.cpu_count() < 2:
        raise Failed("two processors are needed: one for the proxy, one for the rest")
    failures = []
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as directory:
        run = Run(options, directory)
        run.say(f"about {sum(sections.of(name).estimate(run) for name in names) / 60:.0f} minutes")
        about = {"machine": machine.describe(), "versions": {**ours(options.binary), **machine.versions()}}
        for name in names:
            try:
                result = section(run, name, about)
            except Failed as failure:
                failures.append(f"{name}: {failure}")
                run.say(f"  FAILED, and left out: {failure}")
                continue
            failures += [f"{name}: {failure}" for failure in result["failures"]]
            text = sections.of(name).show(result["figures"]).text + document.footer(result)
            print(f"\n## {sections.of(name).TITLE}\n\n{text}\n", flush=True)
            if path:
                document.save(path, {name: result})
    return failures


def section(run, name, about):
    run.say(f"{name}: {sections.of(name).TITLE}")
    run.begin()
    run.needs(*sections.of(name).NEEDS)
    began = time.monotonic()
    figures = sections.of(name).measure(run)
    run.say(f"  took {time.monotonic() - began:.0f} s")
    return {
        "date": datetime.date.today().isoformat(),
        "rounds": run.rounds,
        "seconds": run.seconds,
        **about,
        "left_out": run.left_out,
        "failures": run.failures,
        "figures": figures,
    }


def ours(binary):
    text = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.split()
    return {"countersign": text[-1] if text else "of unknown version"}
