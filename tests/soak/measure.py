"""What is measured of a process, and what numbers come to."""

import os


def trend(samples):
    """Slope in KiB/s by least squares, and how much the end's median is above the beginning's."""
    if len(samples) < 4:
        return 0.0, 0.0
    times, sizes = [s[0] for s in samples], [s[1] for s in samples]
    mean_time, mean_size = sum(times) / len(times), sum(sizes) / len(sizes)
    spread = sum((t - mean_time) ** 2 for t in times)
    slope = sum((t - mean_time) * (s - mean_size) for t, s in zip(times, sizes)) / spread
    part = max(1, len(sizes) // 5)
    return slope, sorted(sizes[-part:])[part // 2] - sorted(sizes[:part])[part // 2]


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def resident(pid):
    with open(f"/proc/{pid}/status") as file:
        return next((int(line.split()[1]) for line in file if line.startswith("VmRSS")), 0)


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
