# SPDX-License-Identifier: GPL-2.0-only
"""Runs an emulator and reads its serial ports until it ends, is done, or its time is up."""
import os
import selectors
import subprocess
import sys
import time

HOST_APPEND = ("panic=-1 quiet mitigations=off nopti random.trust_cpu=on tsc=reliable no_timer_check lpj=4000000 "
               "audit=0 apparmor=0 selinux=0 nowatchdog cryptomgr.notests")


def tell(message):
    sys.stderr.write(f"ring1: {message}\n")
    sys.stderr.flush()


def qemu(cpu, processors, memory_mib, kernel, initrd, append, extra=()):
    """The machine before VT-x: QEMU's own code generator, which emulates no VT-x whatever the model."""
    return ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", cpu, "-smp", str(processors),
            "-m", str(memory_mib), "-nodefaults", "-display", "none", "-no-reboot",
            "-kernel", kernel, *(["-initrd", initrd] if initrd else []), "-append", append, *extra]


class Machine:
    """An emulator whose serial ports are pipes (or, the first one, the user's terminal)."""

    def __init__(self):
        self.arguments = []
        self.readers = {}
        self.writers = []
        self.tail = b""
        self.timed_out = False

    def port_on_terminal(self):
        self.arguments += ["-serial", "mon:stdio"]

    def port(self, on_data):
        """The machine's next serial port; on_data(bytes) gets what it sends."""
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        self.readers[reader] = on_data
        self.writers.append(writer)
        name = f"port{writer}"
        self.arguments += ["-chardev", f"file,id={name},path=/dev/fd/{writer}", "-serial", f"chardev:{name}"]

    def run(self, command, timeout, done, interactive=False):
        """Runs it until it ends by itself, `timeout` seconds are over, or a while after done() became true."""
        process = subprocess.Popen(command + self.arguments, pass_fds=self.writers,
                                   stdin=None if interactive else subprocess.DEVNULL,
                                   stdout=None if interactive else sys.stderr)
        for writer in self.writers:
            os.close(writer)
        try:
            self._read(timeout, done)
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
