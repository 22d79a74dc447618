# SPDX-License-Identifier: GPL-2.0-only
"""Guest tests on the emulated host, all in one boot as long as the host lives."""
import re
import shlex

import engines
import settings
from bare import image
from host import Host
from testlist import Place
from verdict import Result

# Of run_guests' names: the harness's engine and further arguments of `ring1 run`.
KINDS = {"ring1": ("ring1", ["--engine", "bt"]), "svm": ("svm", ["--engine", "svm"]),
         "svm-shadow": ("svm", ["--engine", "svm-shadow"]), "vmx": ("vmx", ["--engine", "vmx"]),
         "vmx-shadow": ("vmx", ["--engine", "vmx-shadow"]), "kvm": ("kvm", ["--device", "/dev/kvm"])}
TOOL_TIMEOUT = 124
BOOT_SECONDS = 200
COMPLAINTS = "BUG|WARNING|Oops|general protection|unable to handle|Call Trace"
BEGIN = re.compile(rb"\n@@begin (\S+)\n")
END = re.compile(rb"\n@@end (\S+) (\d+) (\d+)\n")


def place(engine):
    kind = engines.ENGINES[KINDS[engine][0]]
    with settings.variable("EMULATOR", kind.emulator):
        return Place(engine, settings.emulator(), settings.cpu(kind.cpu, kind.emulator or "qemu"))


def script(where, tests):
    """Between its two marks each test's output; the last mark has the exit status and the complaints of the host."""
    engine = where.engine
    kind, options = KINDS[engine]
    lines = [engines.FORGET_LOG + engines.ENGINES[kind].before]
    for test in tests:
        command = ["ring1", "run", *options, "--kernel", f"/guests/{test.image}",
                   "--mem", f"{test.mem}M", "--isa-debug-exit", "--timeout", str(test.seconds(where)),
                   "--append", f"{test.append} engine={engine}"]
        lines.append(f"printf '\\n@@begin {test.name}\\n'\n{shlex.join(command)} </dev/null 2>&1\nstatus=$?\n"
                     f"complaints=$(dmesg | grep -c -E '{COMPLAINTS}')\n"
                     f"[ $complaints = 0 ] || dmesg -c | tail -n 60\n"
                     f"printf '\\n@@end {test.name} %d %d\\n' $status $complaints")
    return "\n".join(lines) + "\n"


def boot(where, tests):
    """One boot: the tests' output and whether the script came to its end."""
    engine = where.engine
    kind = engines.ENGINES[KINDS[engine][0]]
    host = Host(script(where, tests), False, kind.modules, max(test.mem for test in tests))
    host.cpu = kind.cpu, kind.emulator or "qemu"
    engines.add_tool(host.archive)
    if engine != "kvm":
        engines.add_module(host.archive)
    for name in sorted({test.image for test in tests}):
        host.archive.copy(f"guests/{name}", f"{settings.BUILD}/guests/{name}")
    output = bytearray()
    host.on_output = output.extend
    host.run(BOOT_SECONDS + sum(test.timeout for test in tests))
    return bytes(output), host.status


def run(where, tests):
    for test in tests:
        image(test)
    results, left = [], list(tests)
    while left:
        kind = engines.ENGINES[KINDS[where.engine][0]]
        with settings.variable("EMULATOR", kind.emulator), settings.variable("ICOUNT", settings.text("ICOUNT", kind.icount)):
            output, status = boot(where, left)
        before = len(left)
        position = 0
        for test in list(left):
            begin = BEGIN.search(output, position)
            if not begin:
                break
            end = END.search(output, begin.end())
            left.remove(test)
            if not end:
                results.append(Result(test, output[begin.end():], None, "the host died"))
                break
            code = int(end[2])
            trouble = f"{int(end[3])} complaints in the host's log" if int(end[3]) else None
            results.append(Result(test, output[begin.end():end.start()], None if code == TOOL_TIMEOUT else code,
                                  trouble))
            position = end.end() - 1
        if len(left) == before:  # not even one test began
            results += [Result(test, output, None, f"the host did not run it (status {status})") for test in left]
            break
    return results
