# SPDX-License-Identifier: GPL-2.0-only
"""The guest that the user asked for: its kernel, initramfs, command line, and what its console tells."""
import os
import sys

import images
import settings
from frames import FrameReader, new_nonce

DEFAULT_APPEND = "console=ttyS0 quiet panic=-1 mitigations=off"
MULTIBOOT_MAGIC = (0x1BADB002).to_bytes(4, "little")


def is_multiboot(path):
    """Multiboot 1, section 3.1.1: the magic lies aligned within the first 8192 bytes."""
    with open(path, "rb") as file:
        head = file.read(8192)
    return any(head[i:i + 4] == MULTIBOOT_MAGIC for i in range(0, len(head), 4))


def stock_kernel(on_qemu):
    flavour, compressed = settings.guest_flavour()
    # QEMU can start an ELF kernel only through a PVH note.
    if compressed or (settings.flag("BARE") and settings.emulator() == "bochs") or (on_qemu and not flavour.has_pvh):
        return f"{flavour.directory}/bzImage"
    return f"{flavour.directory}/vmlinux"


class Guest:
    def __init__(self, on_qemu, work):
        own = settings.text("KERNEL")
        self.kernel = settings.existing("KERNEL", own) if own else stock_kernel(on_qemu)
        self.linux = not (own and is_multiboot(own))
        self.command = settings.text("CMD")
        if self.command is not None and not self.linux:
            settings.die("CMD needs a Linux guest, and KERNEL is a multiboot image", "leave CMD out")
        self.append = settings.text("APPEND", DEFAULT_APPEND if self.linux else "")
        self.memory_mib = settings.mebibytes("MEM", "128M")
        self.is_64bit = settings.guest_flavour()[0].architecture == "amd64"
        self.modules = []
        self.status = None
        self.started = False
        nonce = new_nonce()
        self.reader = FrameReader(nonce, self._frame, self._text) if self.command is not None else None
        self.initrd = self._initrd(nonce, work)

    def _initrd(self, nonce, work):
        """INITRD as it is; with a command our files follow it, and the kernel unpacks both."""
        theirs = settings.text("INITRD")
        if not self.linux:
            self.modules = [settings.existing("INITRD", path) for path in theirs.split(",")] if theirs else []
            return theirs
        if theirs and self.command is None:
            return settings.existing("INITRD", theirs)
        path = os.path.join(work, "guest.cpio")
        images.guest(settings.CACHE, settings.BUILD, nonce, self.command).write(path)
        if theirs:
            with open(settings.existing("INITRD", theirs), "rb") as first, open(path, "rb") as second:
                data = first.read()
                data += b"\0" * (-len(data) % 4) + second.read()
            with open(path, "wb") as file:
                file.write(data)
        return path

    def console(self, data):
        """What the guest's console sends: frames and kernel messages, or all of it for the user."""
        if self.reader:
            self.reader.feed(data)
        else:
            sys.stdout.buffer.write(data)
            sys.stdout.flush()

    def finish(self):
        if self.reader:
            self.reader.finish()

    @property
    def damage(self):
        return self.reader.damage if self.reader else None

    def why(self):
        """The reason when no status arrived."""
        if not self.started:
            return "the guest did not get as far as its init"
        return "the guest died while it ran the command"

    def _frame(self, kind, payload):
        if kind == "h":
            self.started = True
        elif kind == "o":
            sys.stdout.buffer.write(payload)
            sys.stdout.flush()
        elif kind == "e":
            self._text(payload)
        elif kind == "x":
            self.status = int(payload)

    @staticmethod
    def _text(data):
        sys.stderr.buffer.write(data)
        sys.stderr.flush()
