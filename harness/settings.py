# SPDX-License-Identifier: GPL-2.0-only
"""What the user's variables (make help) say."""
import contextlib
import os
import sys
from typing import NamedTuple

CACHE = os.environ.get("RING1_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ring1")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("RING1_BUILD") or os.path.join(ROOT, "build")


def die(message, hint=None):
    """For what is wrong before or around the run: the command's own status stays distinguishable."""
    sys.stderr.write(f"ring1: error: {message}\n")
    if hint:
        sys.stderr.write(f"ring1: what to do: {hint}\n")
    sys.exit(125)


def text(name, default=None):
    return os.environ.get(name) or default


def number(name, default):
    value = text(name)
    if value is None:
        return default
    if not value.isdigit():
        die(f"{name}={value} is not a whole number")
    return int(value)


def flag(name):
    return text(name, "0") not in ("0", "no")


def instructions_shift():
    """ICOUNT: an emulated processor of so many million instructions a second, as the power of two that QEMU takes for
    the nanoseconds of one; None where time is the machine's own."""
    if not flag("ICOUNT"):
        return None
    rates = {"1": 0, "1000": 0, "500": 1, "250": 2, "125": 3, "31": 5}
    if text("ICOUNT") not in rates:
        die(f"ICOUNT={text('ICOUNT')} is no rate", "choose 1 (the same as 1000), 500, 250, 125 or 31 million instructions a second")
    return rates[text("ICOUNT")]


def mebibytes(name, default):
    value = text(name, default).upper().removesuffix("IB").removesuffix("B")
    units = {"M": 1, "G": 1024}
    factor = units.get(value[-1:], 1)
    digits = value.rstrip("MG")
    if not digits.isdigit() or int(digits) == 0:
        die(f"{name}={text(name)} is no amount of memory", "write for example 128M or 1G")
    return int(digits) * factor


def existing(name, path):
    if not os.path.isfile(path):
        die(f"{name}: there is no file {path}")
    return path


def emulator():
    name = text("EMULATOR", "qemu")
    if name not in ("qemu", "bochs"):
        die(f"EMULATOR={name} is unknown", "choose qemu or bochs")
    return name


@contextlib.contextmanager
def variable(name, value):
    """Within it the variable is that, if `value` is anything."""
    before = os.environ.get(name)
    if value:
        os.environ[name] = value
    yield
    if value and before is None:
        del os.environ[name]
    elif value:
        os.environ[name] = before


BEFORE_VTX = {"qemu": "core2duo", "bochs": "p4_prescott_celeron_336"}


def cpu(model, of="qemu"):
    """CPU, or that model of that emulator; on the other one the model that is before VT-x."""
    return text("CPU", model if emulator() == of else BEFORE_VTX[emulator()])


HOST_FLAVOURS = ("cloud", "plain", "rt", "cloud6.12", "plain6.12", "rt6.12", "checked")


def host_kernel():
    """(flavour, kernel file): HOST_KERNEL is one of Debian's flavours or checked, with -bzimage for the compressed file, which
    is what a boot loader in Bochs needs anyway."""
    flavour, _, form = text("HOST_KERNEL", "cloud").partition("-")
    if flavour not in HOST_FLAVOURS or form not in ("", "bzimage"):
        die(f"HOST_KERNEL={text('HOST_KERNEL')} is unknown", f"choose {', '.join(HOST_FLAVOURS)}, or one of them with -bzimage")
    directory = f"{CACHE}/kernel/host-{flavour}"
    if flavour == "checked" and not os.path.isfile(f"{directory}/made_of"):
        die("the checking host kernel has not been built", "run: make checked-kernel")
    # PVH's entry of Linux 6.1 is checked by KASAN before KASAN's shadow memory is there.
    compressed = form or flavour == "checked" or emulator() == "bochs"
    return flavour, existing("HOST_KERNEL", f"{directory}/{'bzImage' if compressed else 'vmlinux'}")


class GuestFlavour(NamedTuple):
    """A stock Debian kernel for the guest, and the user space that goes with it."""

    kernel: str          # directory of the cache
    architecture: str    # of its busybox
    agent: str
    has_pvh: bool = True

    @property
    def directory(self):
        return f"{CACHE}/kernel/{self.kernel}"


# The amd64 guest is the kernel that HOST_KERNEL=plain boots as the host.
GUESTS = {
    "686-pae": GuestFlavour("guest-686-pae", "i386", "agent32"),
    "686": GuestFlavour("guest-686", "i386", "agent32", has_pvh=False),
    "amd64": GuestFlavour("host-plain", "amd64", "agent64"),
}


def guest_flavour():
    """(flavour, whether Debian's compressed file is wanted) of GUEST."""
    name = text("GUEST", "686-pae")
    flavour = GUESTS.get(name.removesuffix("-bzimage"))
    if not flavour or not os.path.isdir(flavour.directory):
        die(f"GUEST={name} is unknown", f"choose {', '.join(GUESTS)}, or one of them with -bzimage")
    return flavour, name.endswith("-bzimage")


def host_modules(flavour, wanted):
    """What must be inserted for these modules of Debian's kernel ("name parameters"): {path: parameters}, in order."""
    directory = f"{CACHE}/kernel/host-{flavour}"
    release = open(f"{directory}/release").read().strip()
    base = f"{directory}/root/lib/modules/{release}"
    needs = {}
    for line in open(f"{base}/modules.dep"):
        module, _, needed = line.partition(":")
        needs[os.path.basename(module).removesuffix(".xz").removesuffix(".ko").replace("-", "_")] = [*reversed(needed.split()), module]
    result = {}
    for name, _, parameters in (entry.partition(" ") for entry in wanted):
        if name.replace("-", "_") not in needs:
            die(f"the {flavour} host kernel has no module {name}")
        for path in needs[name.replace("-", "_")]:
            result.setdefault(f"{base}/{path}", "")
        result[f"{base}/{path}"] = parameters
    return result
