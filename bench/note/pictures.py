# SPDX-License-Identifier: MIT
"""The pictures: operations a second and processor time by depth, a line an engine."""

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "aioxx"  # the same figures, the same file

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: E402

# run, file, title
PICTURES = [
    ("disk-read", "disk", "Disk, direct random reads of 4 KiB"),
    ("disk-cold", "cold", "Disk, buffered random reads of 4 KiB, not in the page cache"),
    ("zram", "zram", "zram, direct random reads of 4 KiB: every call completes at once"),
    ("loop", "loop", "Loop device over memory, direct random reads of 4 KiB"),
]

# engine, name, colour on light, colour on dark, marker, width, dashes
OURS = 2.6
THEIRS = 1.5
ENGINES = [
    ("queue", "aioxx::Queue, callbacks", "#c2410c", "#fb923c", "o", OURS, "-"),
    ("coroutines", "aioxx::Queue, coroutines", "#b45f9e", "#f0a6dc", "D", OURS, "-"),
    ("context", "aioxx::Context", "#1d4ed8", "#7cb0ff", "s", OURS, "-"),
    ("posix", "POSIX AIO, our drop-in", "#047857", "#4ade9a", "P", OURS, "-"),
    ("c", "libaio, C loop by hand", "#111111", "#f5f5f5", "x", THEIRS, "--"),
    ("uring", "io_uring", "#0e7490", "#5fd3ee", "^", THEIRS, "--"),
    ("threads", "thread pool, pread", "#6b7280", "#a7afbd", "v", THEIRS, "--"),
    ("glibc", "POSIX AIO, glibc", "#a16207", "#e5c04b", "<", THEIRS, "--"),
    ("pread", "pread, one at a time", "#9ca3af", "#7d8696", ".", THEIRS, ":"),
]

THEMES = {
    "light": {"back": "#ffffff", "ink": "#1f2328", "grid": "#d8dee4", "colour": 2},
    "dark": {"back": "#0d1117", "ink": "#e6edf3", "grid": "#30363d", "colour": 3},
}


def lines_of(run):
    """By engine: the depths, operations a second, processor time an operation in microseconds."""
    lines = {}
    for cell in run["cells"]:
        for series in cell["engines"]:
            if "wall_ns" not in series:
                continue
            depths, rates, costs = lines.setdefault(series["engine"], ([], [], []))
            depths.append(cell["depth"])
            rates.append(1e9 / series["wall_ns"]["median"])
            costs.append(series["processor_ns"]["median"] / 1e3)
    return lines


def short_number(value, _=None):
    if value >= 1e6:
        return f"{value / 1e6:.3g} M"
    return f"{value / 1e3:.0f} k" if value >= 1e3 else f"{value:.0f}"


def dress(axes, theme, depths, title, unit):
    axes.set_facecolor(theme["back"])
    axes.set_xscale("log", base=2)
    axes.set_xticks(depths, [str(depth) for depth in depths])
    axes.minorticks_off()
    axes.set_xlabel("operations in flight")
    axes.set_title(title, loc="left", pad=22, fontsize=11, color=theme["ink"], weight="bold")
    axes.text(0, 1.03, unit, transform=axes.transAxes, fontsize=9, color=theme["ink"])
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.grid(axis="y", color=theme["grid"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=theme["ink"], length=0)
    axes.xaxis.label.set_color(theme["ink"])
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(theme["ink"])


def draw(run, title, theme, path, date):
    lines = lines_of(run)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.9), facecolor=theme["back"])
    for order, entry in enumerate(ENGINES):
        engine, name, marker, width, dashes = entry[0], entry[1], *entry[4:]
        if engine not in lines:
            continue
        depths, rates, costs = lines[engine]
        how = {"color": entry[theme["colour"]], "marker": marker, "linewidth": width,
               "linestyle": dashes, "markersize": 6, "zorder": 20 - order}  # fmt: skip
        left.plot(depths, rates, label=name, **how)
        right.plot(depths, costs, **how)
    depths = [cell["depth"] for cell in run["cells"]]
    dress(left, theme, depths, "Speed", "operations a second: more is better")
    dress(right, theme, depths, "Cost", "processor time, µs an operation: less is better")
    left.yaxis.set_major_formatter(FuncFormatter(short_number))
    figure.suptitle(title, x=0.012, y=0.975, ha="left", fontsize=14, weight="bold",
                    color=theme["ink"])  # fmt: skip
    kernel = " ".join(run["kernel"].split()[:2])
    figure.text(0.012, 0.015, f"{run['processors']} processors, {run['processor']}; {kernel}; "
                f"{date}", fontsize=8, color=theme["ink"])  # fmt: skip
    figure.legend(loc="center left", bbox_to_anchor=(0.755, 0.5), frameon=False, fontsize=10,
                  labelcolor=theme["ink"], labelspacing=0.8, handlelength=3)  # fmt: skip
    figure.subplots_adjust(left=0.055, right=0.745, top=0.8, bottom=0.155, wspace=0.2)
    figure.savefig(path, facecolor=theme["back"], metadata={"Date": None})
    plt.close(figure)


def draw_all(figures, folder):
    for name, file, title in PICTURES:
        run = figures["runs"].get(name)
        if run is None or not run["cells"]:
            continue
        for theme in THEMES:
            draw(run, title, THEMES[theme], folder / f"{file}-{theme}.svg", figures["date"])


def markdown(file, folder="", alt=""):
    """The picture, as the reader's theme wants it."""
    return (
        f'<picture>\n<source media="(prefers-color-scheme: dark)" '
        f'srcset="{folder}{file}-dark.svg">\n'
        f'<img alt="{alt}" src="{folder}{file}-light.svg">\n</picture>\n'
    )
