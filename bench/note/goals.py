# SPDX-License-Identifier: MIT
"""The figures to reach, held against what was measured. All are medians of round-by-round ratios."""

DEPTHS = (1, 8, 32, 128)
FEW_INSTRUCTIONS = 20


def series_of(figures, run, depth, engine):
    """None: not measured."""
    for cell in figures["runs"].get(run, {"cells": []})["cells"]:
        for series in cell["engines"]:
            if (cell["depth"], series["engine"]) == (depth, engine):
                return series if "wall_ns" in series else None
    return None


def ratio(figures, run, depth, engine, other, kind="speed_to"):
    series = series_of(figures, run, depth, engine)
    return series[kind].get(other) if series else None


def noise(figures, run, depth):
    """Where nine tenths of the C loop's ratios to itself lie."""
    series = series_of(figures, run, depth, "c again")
    return (series["speed_to_c"]["p05"], series["speed_to_c"]["p95"]) if series else (1, 1)


def verdict(reached):
    return {True: "yes", False: "**no**", None: "not measured"}[reached]


def row(what, where, value, at_least, reached):
    shown = "–" if value is None else f"{value:.3f}"
    return [what, where, shown, at_least, verdict(reached if value is not None else None)]


def context_rows(figures):
    for run in ("disk-read", "zram", "loop"):
        for depth in DEPTHS:
            value = ratio(figures, run, depth, "context", "c")
            low, high = noise(figures, run, depth)
            reached = None if value is None else value >= min(low, 1)
            yield row("context to the C loop", f"{run}, depth {depth}", value,
                      f"{min(low, 1):.3f} (the C loop to itself: {low:.3f} to {high:.3f})",
                      reached)  # fmt: skip


def instruction_rows(figures):
    counts = {(c["depth"], c["engine"]): c["instructions"]
              for c in figures["instructions"].get("counts", [])}  # fmt: skip
    for depth in DEPTHS:
        if (depth, "context") in counts and (depth, "c") in counts:
            more = counts[depth, "context"] - counts[depth, "c"]
            yield ["context, instructions more than the C loop", f"depth {depth}", f"{more:+.1f}",
                   f"at most {FEW_INSTRUCTIONS}", verdict(more <= FEW_INSTRUCTIONS)]  # fmt: skip


# engine, against, run, depth, at least
RATIOS = [
    ("context-ring", "c", "zram", 1, 1.04),
    ("queue", "c", "disk-read", 32, 0.97),
    ("queue", "c", "zram", 32, 0.97),
    ("coroutines", "c", "disk-read", 32, 0.95),
    ("coroutines", "c", "zram", 32, 0.95),
    ("posix", "c", "disk-read", 32, 0.90),
    ("posix", "c", "disk-write", 32, 0.90),
    ("posix", "glibc", "disk-read", 32, 6.5),
    ("posix", "glibc", "disk-write", 32, 5.5),
    ("queue", "uring", "disk-read", 32, 0.95),
    ("queue", "uring", "zram", 32, 2),
    ("queue", "uring", "tmpfs", 32, 2),
    ("queue", "uring", "disk-cold", 32, 0.8),
    ("queue", "c", "disk-cold", 32, 4.5),
]

# the same of processor time, at most
PROCESSOR_RATIOS = [
    ("posix", "c", "disk-read", 32, 1.6),
    ("posix", "c", "disk-write", 32, 1.6),
    ("posix", "glibc", "disk-read", 32, 0.125),
    ("posix", "glibc", "disk-write", 32, 0.125),
]

NAMES = {"c": "the C loop", "uring": "io_uring", "context-ring": "context, from the ring",
         "posix": "POSIX drop-in"}  # fmt: skip


def rows(figures):
    yield from context_rows(figures)
    yield from instruction_rows(figures)
    for engine, other, run, depth, least in RATIOS:
        value = ratio(figures, run, depth, engine, other)
        yield row(f"{NAMES.get(engine, engine)} to {NAMES.get(other, other)}",
                  f"{run}, depth {depth}", value, f"{least:g}",
                  value is not None and value >= least)  # fmt: skip
    for engine, other, run, depth, most in PROCESSOR_RATIOS:
        value = ratio(figures, run, depth, engine, other, "processor_to")
        yield row(f"{NAMES.get(engine, engine)} to {NAMES.get(other, other)}, processor time",
                  f"{run}, depth {depth}", value, f"at most {most:g}",
                  value is not None and value <= most)  # fmt: skip
