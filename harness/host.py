#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""host.py [--file SOURCE[:DESTINATION]]... [--program FILE]... [--module NAME]...

Boots the emulated host with these files (programs with their libraries) in its initramfs. With CMD in the
environment it runs that command and ends with its status; without, it gives a shell. --ring1 adds the module,
inserted, the tool, and the stock guests.
"""
import argparse
import os
import sys
import tempfile

import emulator
import engines
import images
import settings
from emulator import tell
from frames import FrameReader, new_nonce
from guest import DEFAULT_APPEND


class Host:
    """One boot of the emulated host. Give it a job and, if need be, a sink for its output."""

    def __init__(self, job, interactive, modules=(), memory_mib=0):
        self.nonce = new_nonce()
        self.interactive = interactive
        self.flavour, self.kernel = settings.host_kernel()
        self.archive = images.host(settings.CACHE, settings.BUILD, self.nonce, job,
                                   settings.host_modules(self.flavour, modules), interactive)
        self.memory_mib = memory_mib
        self.on_output = sys.stdout.buffer.write
        self.on_file = lambda data: None
        self.started = False
        self.status = None
        self.cpu = "core2duo", "qemu"
        self.console_tail = b""

    def run(self, timeout, done=lambda: False):
        machine = emulator.Machine()
        reader = FrameReader(self.nonce, self._frame, self._console)
        if not self.interactive:
            machine.port(self._console)
        machine.port(reader.feed)
        append = f"console=ttyS0 {emulator.HOST_APPEND} {settings.text('HOST_APPEND', '')}"
        with tempfile.TemporaryDirectory(prefix="ring1-") as work:
            initrd = os.path.join(work, "host.cpio")
            self.archive.write(initrd)
            # Room for the initramfs (as loaded and as unpacked) and for Linux beside what the guests get; and for what a
            # checking kernel remembers of all that.
            memory = settings.mebibytes("HOST_MEM", str(
                max(512, 256 + self.memory_mib + 3 * os.path.getsize(initrd) // 2**20) * (2 if self.flavour == "checked" else 1)))
            boot = emulator.Boot(settings.cpu(*self.cpu), settings.number("SMP", 1), memory, self.kernel, initrd, append,
                                 self.interactive)
            code = machine.run(boot, work, timeout, lambda: done() or self.status is not None)
        reader.finish()
        self.timed_out = machine.timed_out
        self.damage = reader.damage
        if code not in (0, -15) and settings.emulator() == "qemu":
            tell(f"the emulator ended with code {code}")

    def why(self):
        """The reason when no status arrived."""
        if not self.started:
            return "the host did not get as far as its init"
        return "the host died while it ran the command"

    def _frame(self, kind, payload):
        if kind == "h":
            self.started = True
        elif kind == "o":
            self.on_output(payload)
        elif kind == "e":
            sys.stderr.buffer.write(payload)
            sys.stderr.flush()
        elif kind == "f":
            self.on_file(payload)
        elif kind == "x":
            self.status = int(payload)

    def _console(self, data):
        sys.stderr.buffer.write(data)
        sys.stderr.flush()


WELCOME = """cat <<END
This is the emulated host: $(uname -rm). The module is loaded; guests are in /guest:
  ring1 run --kernel /guest/{flavour}/vmlinux --initrd /guest/initrd --append '{append}'
Leave with 'exit'.
END
"""


def guest_names():
    """The stock guests whose user space is the one of GUEST."""
    chosen, _ = settings.guest_flavour()
    return [name for name, flavour in settings.GUESTS.items() if flavour.architecture == chosen.architecture]


def add_ring1(archive):
    engines.add_module(archive)
    engines.add_tool(archive)
    for name in guest_names():
        archive.copy(f"guest/{name}/vmlinux", f"{settings.GUESTS[name].directory}/vmlinux")
    with tempfile.NamedTemporaryFile() as initrd:
        images.guest(settings.CACHE, settings.BUILD, "", None).write(initrd.name)
        archive.copy("guest/initrd", initrd.name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", action="append", default=[])
    parser.add_argument("--program", action="append", default=[])
    parser.add_argument("--module", action="append", default=[])
    parser.add_argument("--ring1", action="store_true")
    arguments = parser.parse_args()
    command = settings.text("CMD")
    job = engines.FORGET_LOG + engines.Ring1.before if arguments.ring1 else ""
    if arguments.ring1 and command is None:
        job += WELCOME.format(flavour=guest_names()[0], append=DEFAULT_APPEND)
    host = Host(job + (command + "\n" if command else "exec sh\n"), command is None, arguments.module,
                settings.mebibytes("MEM", "128M"))
    if arguments.ring1:
        add_ring1(host.archive)
    for pair in arguments.file:
        source, _, destination = pair.partition(":")
        host.archive.copy(destination or "root/" + os.path.basename(source), settings.existing("--file", source))
    for program in arguments.program:
        images.add_program(host.archive, "bin/" + os.path.basename(program), settings.existing("--program", program))
    host.run(settings.number("TIMEOUT", 0 if command is None else 300))
    sys.stdout.flush()
    if command is None:
        return 0
    if host.timed_out:
        tell("time-out")
        return 124
    if host.status is None or host.damage:
        tell(host.damage or host.why())
        return 125
    return host.status


if __name__ == "__main__":
    sys.exit(main())
