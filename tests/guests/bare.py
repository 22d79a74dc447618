# SPDX-License-Identifier: GPL-2.0-only
"""Guest tests on bare QEMU."""
import concurrent.futures
import os
import subprocess

import settings
from testlist import Place
from verdict import Result

PLACE = Place("bare", "qemu", "max")


def image(test):
    return settings.existing("image", f"{settings.BUILD}/guests/{test.image}")


def run_one(test):
    program = "qemu-system-x86_64" if test.image.startswith("long_") else "qemu-system-i386"
    command = [program, "-accel", "tcg", "-cpu", test.cpu, "-m", str(test.mem), "-nodefaults", "-nographic",
               "-no-reboot", "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
               "-kernel", image(test), "-append", f"{test.append} engine=bare"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=test.seconds(PLACE))
    except subprocess.TimeoutExpired as late:
        return Result(test, late.stdout or b"", None)
    return Result(test, done.stdout, done.returncode)


def run(tests):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(run_one, tests))
