# SPDX-License-Identifier: GPL-2.0-only
"""Runs an emulator and reads its serial ports until it ends, is done, or its time is up."""
import os
import selectors
import subprocess
import sys
import time
from typing import NamedTuple

import bochs
import qemu
import settings

HOST_APPEND = ("panic=-1 quiet random.trust_cpu=on tsc=reliable no_timer_check lpj=4000000 "
               "audit=0 apparmor=0 selinux=0 nowatchdog cryptomgr.notests")


def tell(message):
    sys.stderr.write(f"ring1: {message}\n")
    sys.stderr.flush()


class Boot(NamedTuple):
    """What is booted, on which machine. The CPU's name is the emulator's."""

    cpu: str
    processors: int
    memory_mib: int
    kernel: str
    initrd: str | None
    append: str
    on_terminal: bool


class Machine:
    """An emulator whose serial ports are pipes (or, the first one, the user's terminal)."""

    def __init__(self):
        self.readers = {}
        self.writers = []
        self.timed_out = False

    def port(self, on_data):
        """The machine's next serial port; on_data(bytes) gets what it sends."""
        reader, writer = os.pipe()
        self.readers[reader] = on_data
        self.writers.append(writer)

    def run(self, boot, work, timeout, done):
        """Runs it until it ends by itself, `timeout` seconds are over, or a while after done() became true."""
        emulator = {"qemu": qemu, "bochs": bochs}.get(settings.emulator())
        command = emulator.command(boot, [f"/dev/fd/{writer}" for writer in self.writers], work)
        if settings.flag("TRACE"):
            tell(" ".join(command))
        process = subprocess.Popen(command, pass_fds=self.writers, **emulator.streams(boot, work))
        for writer in self.writers:
            os.close(writer)
        try:
            if self.readers:
                self._read(timeout, done)
            else:
                process.wait(timeout or None)
        except subprocess.TimeoutExpired:
            self.timed_out = True
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()
        return process.returncode

    def _read(self, timeout, done):
        deadline = time.monotonic() + timeout if timeout else None
        patience = 20
        finishing = False
        with selectors.DefaultSelector() as selector:
            for reader in self.readers:
                selector.register(reader, selectors.EVENT_READ)
            while selector.get_map():
                if done() and not finishing:
                    # The result is here; what still may come is the orderly end.
                    finishing, deadline = True, time.monotonic() + patience
                left = deadline - time.monotonic() if deadline else None
                if left is not None and left <= 0:
                    self.timed_out = not finishing
                    return
                for key, _ in selector.select(left):
                    data = os.read(key.fd, 65536)
                    if data:
                        self.readers[key.fd](data)
                    else:
                        selector.unregister(key.fd)
                        os.close(key.fd)
