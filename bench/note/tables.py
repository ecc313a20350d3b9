# SPDX-License-Identifier: MIT
"""doc/benchmarks/README.md, and the part of doc/io_uring.md that has figures."""

import statistics
import textwrap

from note import goals, pictures

INTRODUCTION = """\
<!-- SPDX-License-Identifier: MIT -->
<!-- Written by ./dev bench; what is changed by hand here is lost. -->
# Figures

All made by one command, in one go:

```sh
./dev bench
```

{circumstances}

Each engine does the same operations in a process of its own. They take turns, forwards and then
backwards (ABBA), in rounds; a turn takes some milliseconds. *To C* is an engine's speed divided by
that of a loop over libaio written by hand in C, round by round, and the median of that, with its
quartiles. `c again` is that loop once more: **its ratio to itself is what noise alone does**, and
what lies within that is no difference. For the figures to reach, that is where nine tenths of its
rounds are. Processor time is that of the whole process, in user space and in the kernel; work that
the kernel does in threads of its own (the loop device, write-back) is in none. Latencies and system
calls are measured apart from the rounds.

"""

MEANINGS = {
    "disk-read": "the disk, direct random reads of 4 KiB",
    "disk-write": "the disk, direct random writes of 4 KiB over existing data",
    "disk-cold": "the disk, buffered random reads of 4 KiB, not in the page cache",
    "disk-warm": "the disk, buffered random reads of 4 KiB, all in the page cache",
    "disk-sync": "the disk, direct random writes of 4 KiB, every eighth operation an fdatasync",
    "zram": "zram, direct random reads of 4 KiB: completes at once, inside submit",
    "loop": "a loop device over memory, direct random reads of 4 KiB: instant and asynchronous",
    "tmpfs": "a file of tmpfs, random reads of 4 KiB: completes at once, inside submit",
}

HEAD = ["engine", "ops/s", "cpu µs/op", "calls/op", "50 %, µs", "99 %", "99.9 %", "to C",
        "cpu to C"]  # fmt: skip


def table(head, rows):
    """The first column to the left, the others to the right."""
    lines = [head, [":--"] + ["--:"] * (len(head) - 1), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines) + "\n"


def machine(figures):
    seen = figures["machine"]
    for run in figures["runs"].values():
        kernel = " ".join(run["kernel"].split()[:2])
        return (
            f"a {'virtual ' if seen['virtual'] else ''}machine with {run['processors']} processors "
            f"({run['processor']}) and {seen['memory_gib']} GiB, {kernel}"
        )
    return "a machine that could run nothing"


def circumstances(figures):
    seen = figures["machine"]
    busy = "busy with other things" if seen["load_before"] > 0.5 else "otherwise idle"
    text = (
        f"on {machine(figures)}, on {figures['date']}. It was {busy} when this began (a load average "
        f"of {seen['load_before']:.1f}). The disk's file was on {seen['storage']}. "
        "What was learnt from them is in [learnt.md](learnt.md); what whole programs do is in "
        "[programs.md](programs.md); the raw medians, with their quartiles, are in "
        "[results.json](results.json)."
    )
    return textwrap.fill(text, 100)


def cells_of(series):
    """A row of the table of a target at a depth."""
    for word in ("skipped", "failed"):
        if word in series:
            return [series["engine"], f"{word}: {series[word]}"] + [""] * (len(HEAD) - 2)
    calls = series.get("system_calls")
    latency = series.get("latency_ns", {})
    to_c = series["speed_to_c"]
    return [
        series["engine"],
        f"{1e9 / series['wall_ns']['median']:,.0f}",
        f"{series['processor_ns']['median'] / 1e3:.2f}",
        "–" if calls is None else f"{calls:.2f}",
        *[f"{latency[p] / 1e3:.1f}" if p in latency else "–" for p in ("p50", "p99", "p999")],
        f"{to_c['median']:.3f} ({to_c['p25']:.3f} – {to_c['p75']:.3f})",
        f"{series['processor_to_c']['median']:.2f}",
    ]


def run_section(name, run):
    text = f"## {name}\n\n{MEANINGS[name][0].upper()}{MEANINGS[name][1:]}.\n\n"
    text += f"```sh\n{run['command']}\n```\n\n"
    for file, folder in ((p[1], "") for p in pictures.PICTURES if p[0] == name and run["cells"]):
        text += pictures.markdown(file, folder, MEANINGS[name] + ": speed and cost by depth") + "\n"
    for target, reason in run["skipped"].items():
        text += f"{target}: skipped: {reason}\n\n"
    for cell in run["cells"]:
        text += f"Depth {cell['depth']}, {cell['engines'][0]['rounds']} rounds:\n\n"
        text += table(HEAD, [cells_of(series) for series in cell["engines"]])
    return text


def instructions_section(figures):
    counted = figures["instructions"]
    text = "## Instructions\n\n"
    text += "In user space, an operation, by callgrind; reads of /dev/zero.\n\n"
    text += f"```sh\n{counted['command']}\n```\n\n"
    if "skipped" in counted:
        return text + f"Skipped: {counted['skipped']}.\n\n"
    depths = sorted({count["depth"] for count in counted["counts"]})
    engines = dict.fromkeys(count["engine"] for count in counted["counts"])
    by_both = {(c["engine"], c["depth"]): c["instructions"] for c in counted["counts"]}
    rows = []
    for engine in engines:
        counts = [by_both.get((engine, depth)) for depth in depths]
        rows.append([engine, *["–" if count is None else f"{count:.1f}" for count in counts]])
    return text + table(["engine", *[f"depth {depth}" for depth in depths]], rows)


def fio_section(figures):
    fio = figures["fio"]
    text = "## fio\n\n"
    text += "Direct random reads of 4 KiB from one file, by fio and by the bench, in "
    text += f"turns; operations a second.\n\n```sh\n{fio['command']}\n```\n\n"
    if "skipped" in fio:
        return text + f"Skipped: {fio['skipped']}.\n\n"
    rows = []
    for seen in fio["seen"]:
        theirs, ours = seen["fio_operations"], seen["bench_operations"]
        ratio = statistics.median(ours) / statistics.median(theirs)
        rows.append([
            f"{seen['fio']} / {seen['engine']}, depth {seen['depth']}",
            f"{statistics.median(theirs):,.0f} ({min(theirs):,.0f} – {max(theirs):,.0f})",
            f"{statistics.median(ours):,.0f} ({min(ours):,.0f} – {max(ours):,.0f})",
            f"{ratio:.3f}",
        ])  # fmt: skip
    return text + table(["fio / bench", "fio", "bench", "bench to fio"], rows)


COSTS = """\
## Costs by size

What an operation costs the queue's thread, in nanoseconds of its processor time, among so many
others: queues that were there before, other files, other operations. The least of some runs, on
{date}. Files are Files, of fewer descriptors; where each waits they are descriptors.

```sh
./dev bench --costs
```

Flat is what does not grow with the number. What grows, and why:

- **Sleeps** stand in a heap: the logarithm of their number, as of every deadline.
- **From 100,000 operations on** each costs some 40 ns more to start and 100 more to end: a record has
  some 400 bytes, so many do not fit the processor's caches, and each is waited for. The instructions
  are as many as before: by callgrind a read and a poll of a pipe, started and ended, are 1,294 among
  10,000 and 1,267 among 200,000.
- **Among 100** the first ones tell: 64 polls, or 128 direct reads, are submitted, and the rest wait.
- **Polls of more than 64 files** wait by epoll, with a system call each.

"""


def costs_section(figures):
    costs = figures.get("costs")
    if costs is None:
        return ""
    if "skipped" in costs:
        return f"\n## Costs by size\n\nSkipped: {costs['skipped']}.\n"
    text = "\n" + COSTS.format(date=costs["date"])
    by_sizes = {}
    for row in costs["rows"]:
        by_sizes.setdefault(tuple(sorted(int(size) for size in row["ns"])), []).append(row)
    for sizes, rows in by_sizes.items():
        cells = [
            [row["what"], *[f"{row['ns'][str(size)]:,.0f}" for size in sizes]] for row in rows
        ]
        text += table(["", *[f"{size:,}" for size in sizes]], cells)
    return text.rstrip("\n") + "\n"


def note(figures):
    text = INTRODUCTION.format(circumstances=circumstances(figures))
    text += "## The figures to reach\n\n"
    text += table(["what", "where", "is", "at least", "reached"], goals.rows(figures))
    for name, run in figures["runs"].items():
        text += run_section(name, run)
    text += instructions_section(figures) + fio_section(figures).rstrip("\n") + "\n"
    return text + costs_section(figures)


# --- doc/io_uring.md ----------------------------------------------------------------------------

BEGIN = "<!-- figures: written by ./dev bench -->\n"
END = "<!-- end of the figures -->\n"

PAGE_ENGINES = {
    "c": "libaio, a loop by hand in C", "context": "`aioxx::Context`",
    "queue": "`aioxx::Queue`, callbacks", "coroutines": "`aioxx::Queue`, coroutines",
    "posix": "POSIX AIO, our drop-in", "uring": "io_uring", "threads": "threads with `pread`",
    "glibc": "POSIX AIO, glibc",
}  # fmt: skip


def page_part(figures):
    where = f"Direct random reads of 4 KiB, 32 in flight, on {machine(figures)}, {figures['date']}:"
    text = textwrap.fill(where, 100) + "\n\n"
    rows = []
    for engine, name in PAGE_ENGINES.items():
        series = goals.series_of(figures, "disk-read", 32, engine)
        if series:
            rows.append([
                name,
                f"{1e9 / series['wall_ns']['median']:,.0f}",
                f"{series['processor_ns']['median'] / 1e3:.2f} µs",
                f"{series.get('system_calls', 0):.2f}",
                f"{series['latency_ns']['p99'] / 1e3:,.0f} µs",
            ])  # fmt: skip
    head = ["", "operations/s", "processor time each", "system calls each", "99 % within"]
    text += table(head, rows)
    alt = "operations a second and processor time by depth, a line an engine"
    text += pictures.markdown("disk", "benchmarks/", alt)
    return text + "\n"


def put_into_page(figures, path):
    """Between the two marks. Without a figure, or without the marks, it stays as it is."""
    text = path.read_text()
    begin, end = text.find(BEGIN), text.find(END)
    if begin < 0 or end < 0 or goals.series_of(figures, "disk-read", 32, "c") is None:
        return
    path.write_text(text[: begin + len(BEGIN)] + "\n" + page_part(figures) + text[end:])
