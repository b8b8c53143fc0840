"""What is printed."""


def line(trial, verbose):
    client = trial.client
    sent = "accepted" if trial.accepted else "REFUSED"
    changed = f"{trial.refused}/{trial.covered}"
    print(f"{client.setting:<24} {client.by:<42} {sent:<9} {changed:>7}  {', '.join(trial.open) or '-'}", flush=True)
    if verbose and trial.refused_anyway:
        print(f"{'':<24} refused, though the coverage does not say so: {', '.join(trial.refused_anyway)}", flush=True)


def heading():
    print(f"{'DIALECT':<24} {'SIGNED BY':<42} {'AS IT IS':<9} {'CHANGED':>7}  CHANGES LET IN, NOT SIGNED", flush=True)


def ours(setting, believed_by):
    print(f"{setting:<24} {', '.join(believed_by) or '- (no verifier)'}", flush=True)


def summary(trials, presets, vouched):
    """Which dialects were proven by whom; a preset that nothing was tried with is a fault."""
    by = {}
    for trial in trials:
        by.setdefault(trial.client.preset, []).append(trial)
    independent = [name for name in presets if any(each.client.independent for each in by.get(name, []))]
    believed = [name for name in presets if name not in independent and any(t.believed_by for t in by.get(name, []))]
    documented = [name for name in presets if name in by and name not in independent + believed]
    print(f"\n{len(presets)} dialects")
    print(f"{len(independent):>4} signed by an independent client")
    print(f"{len(believed):>4} put together from documents, believed by the vendor's verifier: {', '.join(believed)}")
    print(f"{len(documented):>4} put together from documents alone: {', '.join(documented)}")
    print(f"{len(vouched):>4} of ours verified, or signed alike, by an independent package")
    return independent, [name for name in presets if name not in by]


def faults(found):
    for where, what in found:
        print(f"FAIL {where}: {what}")
