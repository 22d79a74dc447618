# SPDX-License-Identifier: GPL-2.0-only
"""How the emulated host runs the guest, by ENGINE: the module and tool under test, or something to compare with."""
import os
import re
import shlex

import images
import settings

HERE = os.path.dirname(os.path.abspath(__file__))

# Behind the names on the path may stand wrapper scripts.
QEMUS = {False: "/usr/libexec/qemu-system-i386", True: "/usr/bin/qemu-system-x86_64"}
QEMU_MODULES = "/usr/lib/x86_64-linux-gnu/qemu"
QEMU_DATA = "/usr/share/qemu"
# Nested paging under QEMU 7.2's AMD-V does not carry a PAE guest; a 64-bit one it does.
KVM = ("kvm-amd npt=0",)
KVM_64BIT = ("kvm-amd npt=1",)


def device_rules():
    """What udev would do by the module's rules; systemd's own rules have the same for kvm."""
    with open(os.path.join(HERE, os.pardir, "hostdriver", "60-ring1.rules")) as rules:
        found = re.findall(r'^KERNEL=="(\w+)", GROUP="(\w+)", MODE="(\d+)"$', rules.read(), re.M)
    return "".join(f"chgrp {group} /dev/{name}; chmod {mode} /dev/{name}\n"
                   for name, group, mode in [*found, ("kvm", "kvm", "0660")])


# What the host said while it booted is its own affair: of some processors Linux warns.
FORGET_LOG = "dmesg -c >/dev/null\n"


class Engine:
    """`command` runs the guest with its console on standard input and output; it may leave /tmp/stats.json."""

    modules = ()
    modules_64bit = ()
    emulator = None  # the only one that has it
    cpu = "core2duo"
    icount = None  # tests run with that ICOUNT
    memory_mib = 0
    before = ""

    def __init__(self, guest):
        self.guest = guest
        if guest.is_64bit:
            self.modules = self.modules_64bit

    def look_before_the_end(self, _timeout):
        """A shell command that says in time what the guest is doing, if it does not end before `timeout` seconds."""
        return ""

    def add_files(self, archive):
        archive.copy("guest/kernel", self.guest.kernel)
        if self.guest.modules:
            for index, path in enumerate(self.guest.modules):
                archive.copy(f"guest/module{index}", path)
        elif self.guest.initrd:
            archive.copy("guest/initrd", self.guest.initrd)

    def module_paths(self):
        return [f"/guest/module{index}" for index in range(len(self.guest.modules))]


class Ring1(Engine):
    """Our module, our tool."""

    device = None
    before = f"insmod /harness/ring1.ko {settings.text('MODULE_ARGS', '')} || exit 120\n" + device_rules()

    @property
    def command(self):
        words = ["ring1", "run", "--kernel", "/guest/kernel", "--mem", f"{self.guest.memory_mib}M",
                 "--stats-json", "/tmp/stats.json"]
        if self.guest.modules:
            words += [word for path in self.module_paths() for word in ("--module", path)]
        elif self.guest.initrd:
            words += ["--initrd", "/guest/initrd"]
        if self.guest.append:
            words += ["--append", self.guest.append]
        if self.device:
            words += ["--device", self.device]
        return f"{shlex.join(words)} {settings.text('RING1_ARGS', '')}"

    def look_before_the_end(self, timeout):
        # Of the counters those that still move.
        return f"""(
  sleep {timeout * 3 // 4}
  ring1 ps
  for pid in $(pidof ring1); do
    ring1 stats $pid >/tmp/early && sleep 3 && ring1 stats $pid | diff /tmp/early - | grep '^[-+]'
    ring1 log $pid | tail -n 50
  done
) >/tmp/late 2>&1 && cat /tmp/late >&2 &
"""

    def add_files(self, archive):
        super().add_files(archive)
        add_tool(archive)
        if not self.device:
            add_module(archive)


class Ring1OnSvm(Ring1):
    """The same where the emulator has AMD-V."""

    cpu = "EPYC,+svm"
    icount = "250"  # docs/findings.md: QEMU 7.2 may lose an interrupt at VMRUN otherwise


class Ring1OnVmx(Ring1):
    """And where it has VT-x."""

    emulator = "bochs"
    cpu = "corei7_sandy_bridge_2600k"


class Ring1OnKvm(Ring1):
    """Our tool on KVM over the AMD-V that QEMU emulates."""

    modules, modules_64bit = KVM, KVM_64BIT
    cpu = "EPYC,+svm"
    icount = "250"
    device = "/dev/kvm"
    before = ""


class Qemu(Engine):
    """QEMU inside the host."""

    memory_mib = 512
    acceleration = ["-accel", "tcg"]

    def __init__(self, guest):
        super().__init__(guest)
        self.binary = QEMUS[guest.is_64bit]
        self.program = os.path.basename(self.binary)

    @property
    def command(self):
        words = [self.program, *self.acceleration, "-L", QEMU_DATA, "-m", str(self.guest.memory_mib),
                 "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio", "-monitor", "none",
                 "-kernel", "/guest/kernel", "-append", self.guest.append]
        if self.guest.initrd:
            words += ["-initrd", ",".join(self.module_paths()) or "/guest/initrd"]
        return f"QEMU_MODULE_DIR={QEMU_MODULES} {shlex.join(words)} {settings.text('RING1_ARGS', '')}"

    def add_files(self, archive):
        super().add_files(archive)
        images.add_program(archive, f"bin/{self.program}", self.binary)
        accelerator = f"{QEMU_MODULES}/accel-tcg-{self.program.removeprefix('qemu-system-')}.so"
        archive.copy(accelerator, accelerator)
        images.add_libraries(archive, accelerator)
        for name in ("bios-256k.bin", "kvmvapic.bin", "linuxboot_dma.bin", "multiboot_dma.bin", "pvh.bin"):
            source = next((path for path in (f"{QEMU_DATA}/{name}", f"/usr/share/seabios/{name}")
                           if os.path.exists(path)), None)
            if source:
                archive.copy(f"{QEMU_DATA}/{name}", os.path.realpath(source))


class QemuOnKvm(Qemu):
    """QEMU on KVM over emulated AMD-V. The outer QEMU cannot emulate what the inner one's vapic does."""

    modules, modules_64bit = KVM, KVM_64BIT
    cpu = "EPYC,+svm"
    acceleration = ["-accel", "kvm", "-cpu", "host", "-global", "kvm-apic.vapic=off"]


class QemuOnRing1(Qemu):
    """QEMU on our module's /dev/kvm, which has no vapic."""

    acceleration = ["-accel", "kvm", "-cpu", "host", "-global", "kvm-apic.vapic=off"]
    before = Ring1.before

    def add_files(self, archive):
        super().add_files(archive)
        add_module(archive)


def add_tool(archive):
    path = f"{settings.BUILD}/vmm/ring1"
    if not os.path.exists(path):
        settings.die(f"the tool {path} has not been built", "run: make")
    images.add_program(archive, "bin/ring1", path)


def add_module(archive):
    flavour, _ = settings.host_kernel()
    path = f"{settings.BUILD}/module/{flavour}/ring1.ko"
    if not os.path.exists(path):
        settings.die(f"the module {path} has not been built", f"run: make module HOST_KERNEL={flavour}")
    archive.copy("harness/ring1.ko", path)


ENGINES = {"ring1": Ring1, "svm": Ring1OnSvm, "vmx": Ring1OnVmx, "kvm": Ring1OnKvm, "tcg": Qemu, "qemu-kvm": QemuOnKvm, "qemu-ring1": QemuOnRing1}


def chosen():
    name = settings.text("NESTED", "ring1")
    if name not in ENGINES:
        settings.die(f"NESTED={name} is unknown", "choose one of " + ", ".join(ENGINES))
    return ENGINES[name]


def is_qemu():
    return issubclass(chosen(), Qemu)
