# SPDX-License-Identifier: GPL-2.0-only
"""The declarative list of guest tests."""
import shlex

# bt, svm and vmx are engines of ring1; what holds for ring1 holds for each of them, but for an xfail.
RING1_ENGINES = ("svm", "svm-shadow", "vmx", "vmx-shadow")
ENGINES = ("bare", "kvm", "ring1")
ENDS = ("pass", "any", "reset")
XFAIL_SECONDS = 10
OPTIONS = ("append", "cpu", "mem", "timeout", "xfail", "skip")


class Test:
    def __init__(self, words, where):
        if len(words) < 4:
            raise SystemExit(f"{where}: name, image, engines and expected end are needed")
        self.name, self.image, engines, self.end = words[:4]
        self.engines = ENGINES if engines == "all" else tuple(engines.split(","))
        self.append, self.cpu, self.mem, self.timeout = "", "max", 64, 200
        self.xfail, self.skip = {}, {}
        if not set(self.engines) <= {*ENGINES, *RING1_ENGINES} or self.end not in ENDS:
            raise SystemExit(f"{where}: unknown engine or end")
        for option in words[4:]:
            key, _, value = option.partition("=")
            if key not in OPTIONS:
                raise SystemExit(f"{where}: unknown option {key}")
            if key in ("xfail", "skip"):
                places, _, reason = value.partition(":")
                getattr(self, key).update((place, reason) for place in places.split(","))
            else:
                setattr(self, key, int(value) if key in ("mem", "timeout") else value)

    def seconds(self, place):
        """The time limit: one that is expected to fail may do so by never ending."""
        return min(self.timeout, XFAIL_SECONDS) if place.find(self.xfail) else self.timeout

    def runs_on(self, place):
        engine = place.engine
        named = engine in self.engines or (engine in RING1_ENGINES and "ring1" in self.engines)
        return named and not place.find(self.skip)


class Place:
    """Where tests run: in the list ENGINE, ENGINE@EMULATOR or ENGINE@MODEL of a processor."""

    def __init__(self, engine, emulator, model):
        self.engine = engine
        self.names = engine, f"{engine}@{emulator}", f"{engine}@{model}"

    def find(self, reasons):
        """The reason that holds here, or None."""
        return next((reasons[name] for name in self.names if name in reasons), None)


def read_list(path):
    with open(path) as lines:
        words = [(number, shlex.split(line, comments=True)) for number, line in enumerate(lines, 1)]
    return [Test(entry, f"{path}:{number}") for number, entry in words if entry]
