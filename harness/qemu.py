# SPDX-License-Identifier: GPL-2.0-only
"""The machine before VT-x on QEMU: its own code generator emulates no VT-x, whatever the processor model."""
import subprocess
import sys

import settings


def command(boot, ports, _work):
    # Counting instructions and a thread per processor exclude each other.
    shift = settings.instructions_shift()
    words = ["qemu-system-x86_64", "-accel", f"tcg,thread={'multi' if shift is None else 'single'}"]
    words += ["-icount", f"shift={shift},sleep=off"] if shift is not None else []
    words += ["-cpu", boot.cpu, "-smp", str(boot.processors),
             "-m", str(boot.memory_mib), "-nodefaults", "-display", "none", "-no-reboot", "-kernel", boot.kernel]
    if boot.initrd:
        words += ["-initrd", boot.initrd]
    if boot.append:
        words += ["-append", boot.append]
    if boot.on_terminal:
        words += ["-serial", "mon:stdio"]
    for number, path in enumerate(ports):
        words += ["-chardev", f"file,id=port{number},path={path}", "-serial", f"chardev:port{number}"]
    return words + settings.text("QEMU_ARGS", "").split()


def streams(boot, _work):
    """Where the emulator's own standard streams go: the terminal, or its messages to standard error."""
    return {} if boot.on_terminal else {"stdin": subprocess.DEVNULL, "stdout": sys.stderr}
