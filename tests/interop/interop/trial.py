"""One client's requests against the gateway, and a verifier's word on ours."""

import contextlib
import dataclasses
import io
import time

from . import changes, ours
from .model import Request
from .wire import kind, send

REFUSED = (400, 401, 403)


@dataclasses.dataclass
class Trial:
    """What came of one client."""

    client: object
    faults: list = dataclasses.field(default_factory=list)
    accepted: int = 0
    covered: int = 0
    refused: int = 0
    # Changes that the coverage says nothing of: those that were let in, and those that were refused all the same.
    open: list = dataclasses.field(default_factory=list)
    refused_anyway: list = dataclasses.field(default_factory=list)
    believed_by: list = dataclasses.field(default_factory=list)
    # The first request, and when it was signed, in seconds since 1970.
    request: Request | None = None
    at: int = 0


def of_client(gateway, client, numbers, verifiers):
    trial, port = Trial(client), gateway.ports[client.setting]
    scheme = gateway.schemes[client.setting]
    try:
        first = trial.request = client.sign(next(numbers))
        trial.at = int(time.time())
        as_it_is(trial, port, first, scheme)
        for change in changes.of(first, scheme["coverage"]):
            one_change(trial, port, change, client.sign(next(numbers)))
    except Exception as error:  # pylint: disable=broad-exception-caught
        # What a client does not do is its row's fault, not the end of the others.
        trial.faults.append(f"{error!r}")
        return trial
    for verifier in verifiers if not client.independent else ():
        if word(trial.faults, verifier, first, scheme["coverage"], f"{verifier.by} on the documented request"):
            trial.believed_by.append(verifier.by)
    return trial


def as_it_is(trial, port, request, scheme):
    status, body = send(port, request)
    if status != 200:
        trial.faults.append(f"refused as it is: {status} {kind(body)}: {request}")
        return
    trial.accepted += 1
    status, body = send(port, request)
    once = scheme["replay_remembered_seconds"] is not None
    if once != (status == 409) or status not in (200, 409):
        trial.faults.append(f"sent again: {status} {kind(body)}, where the scheme {'has' if once else 'has no'} replay")


def one_change(trial, port, change, request):
    """The request is newly signed, so that nothing but the change can be what it is refused for."""
    status, body = send(port, change.apply(request))
    trial.covered += change.covered
    if status in REFUSED:
        if change.covered:
            trial.refused += 1
        else:
            trial.refused_anyway.append(f"{change.what} ({kind(body)})")
    elif status == 200 and not change.covered:
        trial.open.append(change.what)
    else:
        trial.faults.append(f"{change.what} changed: {status} {kind(body)}, where it is covered: {change.covered}")


def of_ours(gateway, setting, verifiers):
    """Who believes what `countersign sign` made, and the faults."""
    faults, believed_by = [], []
    coverage = gateway.schemes[setting.name]["coverage"]
    try:
        signed = gateway.sign(setting.name, ours.request(setting))
    except AssertionError as error:
        return [f"not signed: {error}"], []
    status, body = send(gateway.ports[setting.name], signed)
    if status != 200:
        faults.append(f"our own request is refused: {status} {kind(body)}: {signed}")
    for verifier in verifiers:
        if word(faults, verifier, signed, coverage, f"{verifier.by} on ours"):
            believed_by.append(verifier.by + (" (signs alike)" if verifier.signed_again else ""))
    return faults, believed_by


def word(faults, verifier, request, coverage, who):
    """Whether it believes the request, and does not believe it changed: one that believes everything says nothing."""
    good, why = believes(verifier, request)
    if not good:
        faults.append(f"{who}: not believed: {why}{request}")
        return False
    every = list(changes.of(request, coverage))
    # Of binance nothing is covered for certain, and yet its verifier must notice something.
    changed = [each.apply(request) for each in every if each.covered] or [each.apply(request) for each in every]
    changed.append(changes.header(request, "authorization"))
    if all(believes(verifier, each)[0] for each in changed):
        faults.append(f"{who}: believed whatever is changed")
        return False
    return True


def believes(verifier, request):
    """Whether it does, and what it raised. What it prints is not wanted."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return bool(verifier.verify(request)), ""
    except Exception as error:  # pylint: disable=broad-exception-caught
        return False, f"{error!r}: "
