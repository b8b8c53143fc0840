"""Puts figures into docs/performance.md. Only what stands between markers is written; the rest is people's.

<!-- measured: NAME -->   …   <!-- end of NAME -->
"""

import json
import os
import re

from . import sections
from .run import TREE

DOCUMENT = os.path.join(TREE, "docs/performance.md")
CHARTS = os.path.join(TREE, "docs/performance")
FIGURES = os.path.join(CHARTS, "figures.json")


def read(path):
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        return json.load(file)


def save(path, results):
    """Adds the sections to those that the file has; one that is there is replaced."""
    merged = {**read(path), **results}
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w") as file:
        json.dump(rounded(merged), file, indent=1)
        file.write("\n")
    return merged


def rounded(value):
    """Five significant figures are more than any of it is worth."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value


def write(results):
    with open(DOCUMENT) as file:
        text = file.read()
    os.makedirs(CHARTS, exist_ok=True)
    text = replace(text, "machine", machine(results))
    for name in sections.MODULES:
        if name in results:
            shown = sections.of(name).show(results[name]["figures"])
            text = replace(text, name, shown.text + footer(results[name]))
            for chart, svg in shown.charts.items():
                with open(os.path.join(CHARTS, f"{chart}.svg"), "w") as file:
                    file.write(svg)
    with open(DOCUMENT, "w") as file:
        file.write(text)


def replace(text, name, inside):
    """The text with what is between the markers of `name` changed; both markers must be there, once."""
    begin, end = f"<!-- measured: {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(re.escape(begin) + r".*?" + re.escape(end), re.S)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"docs/performance.md must have `{begin}` and `{end}` once each")
    return pattern.sub(lambda _: f"{begin}\n{inside}\n{end}", text)


def machine(results):
    """The machines and versions that the sections were measured on; one line each where all are the same."""
    lines = []
    for result in results.values():
        made = result["machine"]
        virtual = ", a virtual machine" if made["virtual"] else ""
        line = f"- {made['cores']} × {made['cpu']}{virtual}, {made['memory']}, Linux {made['kernel']}"
        versions = "- " + ", ".join(f"{name} {version}" for name, version in result["versions"].items())
        lines += [each for each in (line, versions) if each not in lines]
    return "\n".join(lines)


def footer(result):
    """When it was measured, and all that is not there."""
    rounds = "round" if result["rounds"] == 1 else "rounds"
    text = f"\n\nMeasured {result['date']}, {result['rounds']} {rounds} of {result['seconds']} s."
    names = {}
    for name, reason in result["left_out"].items():
        names.setdefault(reason, []).append(name)
    if names:
        text += " Left out: " + "; ".join(f"{', '.join(each)}: {reason}" for reason, each in names.items()) + "."
    if result["failures"]:
        text += " **Failed, and not in the figures:** " + "; ".join(result["failures"]) + "."
    return text
