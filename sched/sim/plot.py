#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""plot.py IN OUT: tables (Markdown) and plots (SVG) of what sched_study wrote into IN; of guests.csv, if there is one,
the shares of real guests beside the asked ones, and of work.csv what real guests get done."""
import collections
import csv
import os
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "ring1", "font.size": 9, "svg.fonttype": "none"})
import matplotlib.pyplot as plt  # noqa: E402

GRAIN = {"sedf": "period", "credit": "slice", "bvt": "allowance"}
STYLES = {("sedf", "wc"): ("tab:blue", "-"), ("sedf", "nwc"): ("tab:cyan", "--"), ("credit", "wc"): ("tab:red", "-"),
          ("credit", "nwc"): ("tab:orange", "--"), ("bvt", "wc"): ("tab:green", "-")}
MARKERS = "osv"
KINDS = ("busy", "io", "mixed")  # guests/bench/load.cpp


def rows_of(directory, name):
    with open(os.path.join(directory, name), newline="") as file:
        return list(csv.DictReader(file))


def label(policy, mode, period):
    return f"{policy} {mode}, {GRAIN[policy]} {period} ms"


def save(figure, directory, name):
    figure.tight_layout()
    figure.savefig(os.path.join(directory, name), metadata={"Date": None})
    plt.close(figure)


def group(rows):
    lines = collections.OrderedDict()
    for row in rows:
        lines.setdefault((row["policy"], row["mode"], row["period_ms"]), []).append(row)
    return lines


def plot_errors(rows, directory):
    figure, panels = plt.subplots(1, 2, figsize=(10, 5), sharey=True)
    for panel, window in zip(panels, ("100", "1000")):
        seen = collections.Counter()
        for (policy, mode, period), line in group(r for r in rows if r["window_ms"] == window).items():
            color, dash = STYLES[policy, mode]
            marker = MARKERS[seen[policy, mode]]
            seen[policy, mode] += 1
            panel.plot([int(r["share_percent"]) for r in line],
                       [max(float(r["mean_error_percent"]), 0.01) for r in line], color=color, linestyle=dash,
                       marker=marker, markersize=3, linewidth=1, label=label(policy, mode, period))
        panel.set_yscale("log")
        panel.set_title(f"windows of {window} ms")
        panel.set_xlabel("share asked for, % of the processor")
        panel.grid(True, which="both", linewidth=0.3)
    panels[0].set_ylabel("mean error, % of the share")
    panels[1].legend(loc="upper left", bbox_to_anchor=(1.02, 1), fontsize=7)
    save(figure, directory, "error.svg")


def plot_throughput(rows, directory):
    lines = group(rows)
    figure, panels = plt.subplots(2, 1, figsize=(10, 6), sharex=True)
    kinds = ("cpu", "io", "mixed")
    for i, kind in enumerate(kinds):
        chosen = [next(r for r in line if r["kind"] == kind) for line in lines.values()]
        places = [x + (i - 1) * 0.27 for x in range(len(chosen))]
        panels[0].bar(places, [float(r["throughput_percent_of_alone"]) for r in chosen], 0.25, label=kind)
        if kind != "cpu":
            panels[1].bar(places, [float(r["latency_mean_us"]) / 1000 for r in chosen], 0.25, label=kind,
                          color=f"C{i}")
    panels[0].set_ylabel("work done, % of alone")
    panels[1].set_ylabel("mean wait after wake-up, ms")
    panels[1].set_yscale("symlog", linthresh=0.1)
    panels[1].set_xticks(range(len(lines)), [f"{p} {m}\n{n} ms" for p, m, n in lines], fontsize=7)
    for panel in panels:
        panel.legend(fontsize=7)
        panel.grid(True, axis="y", linewidth=0.3)
    save(figure, directory, "throughput.svg")


def plot_guests(rows, directory):
    figure, panel = plt.subplots(figsize=(6, 4))
    panel.plot([0, 100], [0, 100], color="gray", linewidth=0.5)
    policies = list(dict.fromkeys(r["policy"] for r in rows))
    for policy, marker in zip(policies, "osvx"):
        chosen = [r for r in rows if r["policy"] == policy]
        panel.plot([float(r["asked_percent"]) for r in chosen], [float(r["got_percent"]) for r in chosen],
                   linestyle="", marker=marker, label=policy)
    panel.set_xlabel("share asked for, %")
    panel.set_ylabel("share got, %")
    panel.legend()
    save(figure, directory, "guests.svg")


def plot_work(rows, directory):
    cases = list(dict.fromkeys(r["policy"] for r in rows))
    figure, panel = plt.subplots(figsize=(10, 4))
    for i, kind in enumerate(KINDS):
        heights = [float(r["throughput_percent_of_alone"]) for r in rows if r["kind"] == kind]
        panel.bar([x + (i - 1) * 0.27 for x in range(len(cases))], heights, 0.25, label=kind)
    panel.set_ylabel("work done, % of alone")
    panel.set_xticks(range(len(cases)), [case.replace(" ", "\n") for case in cases], fontsize=7)
    panel.legend(fontsize=7)
    panel.grid(True, axis="y", linewidth=0.3)
    save(figure, directory, "work.svg")


def work_table(rows):
    for case in dict.fromkeys(r["policy"] for r in rows):
        cells = {r["kind"]: r for r in rows if r["policy"] == case}
        yield [case] + [cells[k]["throughput_percent_of_alone"] for k in KINDS] + [
            f"{float(cells['io']['latency_mean_us']) / 1000:.2f}"]


def table(header, rows):
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def error_table(rows, window):
    shares = ("1", "5", "10", "20", "50", "90")
    for (policy, mode, period), line in group(r for r in rows if r["window_ms"] == window).items():
        cells = {r["share_percent"]: r["mean_error_percent"] for r in line}
        yield [label(policy, mode, period)] + [f"{float(cells[s]):.1f}" for s in shares]


def throughput_table(rows):
    for (policy, mode, period), line in group(rows).items():
        cells = {r["kind"]: r for r in line}
        yield [label(policy, mode, period)] + [cells[k]["throughput_percent_of_alone"] for k in ("cpu", "io", "mixed")] + [
            f"{float(cells['io']['latency_mean_us']) / 1000:.2f}", f"{float(cells['io']['latency_worst_us']) / 1000:.1f}"]


def main():
    source, target = sys.argv[1:]
    errors, throughput = rows_of(source, "error.csv"), rows_of(source, "throughput.csv")
    plot_errors(errors, target)
    plot_throughput(throughput, target)
    head = ["", "1 %", "5 %", "10 %", "20 %", "50 %", "90 %"]
    parts = []
    for window in ("100", "1000"):
        parts += [f"Mean error of the share asked for, in % of it, in windows of {window} ms:", "",
                  *table(head, error_table(errors, window)), ""]
    parts += ["Work done in % of what the guest does alone, and the I/O-bound guest's wait after a wake-up in ms:", "",
              *table(["", "cpu", "io", "mixed", "io: mean wait", "worst"], throughput_table(throughput)), ""]
    if os.path.exists(os.path.join(source, "guests.csv")):
        guests = rows_of(source, "guests.csv")
        plot_guests(guests, target)
        parts += ["Real guests:", "", *table(["policy", "guest", "asked %", "got %"], (
            [r["policy"], r["guest"], r["asked_percent"], r["got_percent"]] for r in guests)), ""]
    if os.path.exists(os.path.join(source, "work.csv")):
        work = rows_of(source, "work.csv")
        plot_work(work, target)
        parts += ["Real guests, work done in % of what each does alone, and the I/O-bound guest's mean wait in ms:", "",
                  *table(["", *KINDS, "io: mean wait"], work_table(work)), ""]
    with open(os.path.join(target, "tables.md"), "w") as file:
        file.write("\n".join(parts))


main()
