"""A module for each kind of measurement. Each has

`TITLE`, and `NEEDS`, the programs without which it cannot be;
`estimate(run)`, about how many seconds it takes;
`measure(run)`, which returns what can be written as JSON, figures as they were measured;
`show(figures)`, which returns what the document says of them: Markdown, and charts by name.
"""

from collections import namedtuple

Shown = namedtuple("Shown", "text charts")


def of(name):
    return MODULES[name]


def lines(header, rows):
    """A Markdown table; all columns but the first to the right."""
    table = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in table)


def picture(name, text):
    return f"![{text}](performance/{name}.svg)"


from . import bodies, connections, idle, instructions, latency, requests, routes, syscalls, tokens, workers  # noqa: E402

MODULES = {
    "requests": requests,
    "latency": latency,
    "instructions": instructions,
    "syscalls": syscalls,
    "bodies": bodies,
    "idle": idle,
    "connections": connections,
    "routes": routes,
    "tokens": tokens,
    "workers": workers,
}
