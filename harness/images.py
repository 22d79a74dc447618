# SPDX-License-Identifier: GPL-2.0-only
"""The initramfs of the emulated host and of the guest."""
import lzma
import os
import re
import subprocess

import settings
from cpio import Archive

HERE = os.path.dirname(os.path.abspath(__file__))


def _base(cache, architecture, agent, init):
    archive = Archive()
    for directory in ("proc", "sys", "dev", "root", "tmp", "etc", "run", "bin"):
        archive.directory(directory)
    archive.character_device("dev/console", 5, 1)
    archive.character_device("dev/null", 1, 3)
    archive.copy("bin/busybox", f"{cache}/busybox/{architecture}")
    # Both busyboxes have the same applets; the 64-bit one certainly runs here.
    applets = subprocess.run(["busybox", "--list"], executable=f"{cache}/busybox/amd64", stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            archive.symlink("bin/" + applet, "busybox")
    archive.symlink("sbin", "bin")
    archive.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    archive.file("etc/group", "root:x:0:\nkvm:x:36:\n")
    archive.copy("bin/agent", agent)
    archive.file("init", open(os.path.join(HERE, init)).read(), 0o755)
    return archive


def terminal_settings():
    """What stty shall set so that the far shell knows the size of the user's terminal."""
    size = os.get_terminal_size(0)
    return f"rows {size.lines} cols {size.columns}\n" if size.lines and size.columns else "sane\n"


def guest(cache, build, nonce, command):
    """The guest's initramfs; without a command it gives a shell. GUEST decides its width, for an own kernel too."""
    flavour, _ = settings.guest_flavour()
    archive = _base(cache, flavour.architecture, f"{build}/harness/{flavour.agent}", "guest-init.sh")
    archive.file("harness/nonce", nonce + "\n")
    if command is not None:
        archive.file("harness/cmd", command + "\n")
    elif os.isatty(0):
        archive.file("harness/terminal", terminal_settings())
    return archive


def host(cache, build, nonce, job, modules, interactive):
    """The host's initramfs: `job` is a shell script, `modules` maps paths to parameters, in order."""
    archive = _base(cache, "amd64", f"{build}/harness/agent64", "host-init.sh")
    archive.file("harness/nonce", nonce + "\n")
    archive.file("harness/job", job)
    names = {path: os.path.basename(path).removesuffix(".xz") for path in modules}
    archive.file("harness/modules", "".join(f"{names[path]} {parameters}\n" for path, parameters in modules.items()))
    for path, name in names.items():
        with (lzma.open if path.endswith(".xz") else open)(path, "rb") as file:
            archive.file("harness/modules.d/" + name, file.read())
    if interactive:
        archive.file("harness/terminal", terminal_settings() if os.isatty(0) else "sane\n")
    return archive


def add_program(archive, destination, program):
    """A program and the shared libraries it needs, each at its own path."""
    archive.copy(destination, program)
    add_libraries(archive, program)


def add_libraries(archive, program):
    listing = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    added = archive.__dict__.setdefault("libraries", set())
    for library in re.findall(r"(/[^ ]+) \(0x", listing):
        if library not in added:
            added.add(library)
            archive.copy(library, os.path.realpath(library))
