#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the guest: on the emulated host with ring1, or with BARE=1 straight on the emulator, to compare.

Ends with the status of CMD, 124 when the time is up, 125 when something died.
"""
import sys
import tempfile

import emulator
import engines
import settings
from emulator import tell
from guest import Guest
from host import Host

HOST_IS_UNWELL = 121
INSMOD_FAILED = 120

# What must not stand in the host's log after a run.
LOG_CHECK = f"""
if dmesg | grep -q -E 'BUG|WARNING|Oops|general protection|unable to handle|Call Trace'; then
  dmesg | tail -n 100 >&2
  exit {HOST_IS_UNWELL}
fi
exit $status
"""


def run_bare(guest, work, timeout):
    """No host, no ring1: returns (timed out, reason or None)."""
    machine = emulator.Machine()
    interactive = guest.command is None
    if not interactive:
        machine.port(guest.console)
    boot = emulator.Boot(settings.cpu("core2duo"), 1, guest.memory_mib, guest.kernel, guest.initrd, guest.append,
                         interactive)
    machine.run(boot, work, timeout, lambda: guest.status is not None)
    return machine.timed_out, None


def host_job(engine, interactive, timeout):
    streams = "" if interactive else "</dev/null"
    statistics = "" if interactive else "[ ! -e /tmp/stats.json ] || cat /tmp/stats.json >&3\n"
    watch = engine.look_before_the_end(timeout) if timeout and not interactive else ""
    return f"{engines.FORGET_LOG}{engine.before}{watch}{engine.command} {streams}\nstatus=$?\n{statistics}{LOG_CHECK}"


def run_on_host(guest, _work, timeout):
    """Returns (timed out, reason or None)."""
    engine = engines.chosen()(guest)
    interactive = guest.command is None and sys.stdin.isatty()
    host = Host(host_job(engine, interactive, timeout), interactive, engine.modules,
                guest.memory_mib + engine.memory_mib)
    host.cpu = engine.cpu, engine.emulator or "qemu"
    engine.add_files(host.archive)
    host.on_output = guest.console
    statistics = []
    host.on_file = statistics.append
    host.run(timeout)
    if settings.text("STATS") and statistics:
        with open(settings.text("STATS"), "wb") as file:
            file.write(b"".join(statistics))
    if host.timed_out or interactive:
        return host.timed_out, None if host.started else host.why()
    if host.status is None or host.damage:
        return False, host.damage or host.why()
    if host.status == HOST_IS_UNWELL:
        return False, "something is wrong in the host's log, see above"
    if host.status == INSMOD_FAILED:
        return False, "insmod ring1.ko failed"
    if host.status != 0:
        return False, f"`{engine.command.split()[0]}` on the host ended with status {host.status}"
    return False, None


def main():
    bare = settings.flag("BARE")
    command = settings.text("CMD")
    timeout = settings.number("TIMEOUT", 0 if command is None else 300)
    with tempfile.TemporaryDirectory(prefix="ring1-") as work:
        guest = Guest(bare or engines.is_qemu(), work)
        timed_out, reason = (run_bare if bare else run_on_host)(guest, work, timeout)
    guest.finish()
    if timed_out:
        why = reason or ("" if guest.started else guest.why())
        tell(f"time-out after {timeout} s" + (f": {why}" if why else ""))
        return 124
    if reason:
        tell(reason if guest.status is not None or command is None else f"{reason}; {guest.why()}")
        return 125
    if command is None:
        return 0
    if guest.status is None or guest.damage:
        tell(guest.damage or guest.why())
        return 125
    return guest.status


if __name__ == "__main__":
    sys.exit(main())
