#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""time_table.py DIRECTORY: the tables (Markdown) of what tests/time_study left there."""
import collections
import os
import sys

SETTINGS = {"bt_alone": "bt, alone", "svm_alone": "svm, alone", "bt_twice": "bt, 2 guests",
            "bt_four_times": "bt, 4 guests"}
SOURCES = {"APIC_timer": "local APIC timer", "PIT": "PIT", "ACPI_timer": "ACPI timer", "RTC": "RTC"}
TIMERS = {"PIT": "PIT, 1 kHz", "APIC": "local APIC, 1 kHz", "storm": "local APIC, 2 kHz"}
IDLE = {"nothing": "no guest", "halted": "HLT, no deadline", "ticking": "HLT, 1 kHz timer", "686": "Debian 686, idle",
        "amd64": "Debian amd64, idle"}


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |")


def header(*names):
    row(*names)
    print("|---" + "|---:" * (len(names) - 1) + "|")


def microseconds(nanoseconds):
    return f"{int(nanoseconds) / 1000:,.0f}"


def clocks(lines):
    figures = collections.defaultdict(dict)
    for line in lines:
        setting, _, rest = line.partition(": ")
        words = rest.split()
        if words:
            figures[setting][" ".join(words[:2]) if len(words) > 1 else words[0]] = words[2:]
    present = [name for name in SETTINGS if "done" in figures[name]]
    header("clock against the TSC, ppm", *[SETTINGS[name] for name in present])
    for source, title in SOURCES.items():
        cells = []
        for name in present:
            drift, within = (int(word) / 1000 for word in figures[name][f"rate {source}"])
            cells.append(f"{drift:+.3f} ± {within:.3f}")
        row(title, *cells)
    row("steps back of the TSC", *[figures[name]["back TSC"][0] for name in present])
    print()
    header("timer", *[SETTINGS[name] for name in present])
    for timer, title in TIMERS.items():
        row(f"{title}: ticks due", *[f"{int(figures[name][f'ticks {timer}'][0]):,}" for name in present])
        row("lost", *[figures[name][f"ticks {timer}"][2] for name in present])
        for index, what in enumerate(("median latency, µs", "99.9 %, µs", "worst, µs")):
            row(what, *[microseconds(figures[name][f"latency {timer}"][index]) for name in present])


def idle(lines):
    header("guest", "engine", "process, %", "processor, %", "instructions/s, millions")
    for line in lines:
        words = line.split()
        if len(words) != 4 or words[0] != "idle":
            continue
        name, _, engine = words[1].partition("_")
        row(IDLE[name], engine or "-", words[2], words[3], f"{float(words[3]) * 10:.1f}")


def main():
    for name, table in (("clocks", clocks), ("idle", idle)):
        path = os.path.join(sys.argv[1], name)
        if os.path.exists(path):
            with open(path) as file:
                table(file.read().splitlines())
            print()


if __name__ == "__main__":
    main()
