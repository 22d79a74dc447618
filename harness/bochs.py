# SPDX-License-Identifier: GPL-2.0-only
"""The strict machine: Bochs checks segment limits and emulates VT-x on the models that have it. It boots an ISO
image, and its debugger (compiled into Debian's package) has to be told to continue."""
import os
import subprocess

import settings

ISOLINUX = "/usr/lib/ISOLINUX/isolinux.bin"
LDLINUX = "/usr/lib/syslinux/modules/bios/ldlinux.c32"

CONFIGURATION = """\
megs: {memory_mib}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model={cpu}, count={processors}, ips=100000000, ignore_bad_msrs=1
clock: sync=none
ata0-master: type=cdrom, path={work}/boot.iso, status=inserted
boot: cdrom
display_library: rfb, options="timeout=0"
port_e9_hack: enabled=1
log: {work}/bochs.log
panic: action=fatal
error: action=report
{ports}
"""


def _image(boot, work):
    tree = os.path.join(work, "iso")
    os.mkdir(tree)
    files = {"isolinux.bin": ISOLINUX, "ldlinux.c32": LDLINUX, "kernel": boot.kernel}
    if boot.initrd:
        files["initrd"] = boot.initrd
    for name, source in files.items():
        with open(source, "rb") as original, open(os.path.join(tree, name), "wb") as copy:
            copy.write(original.read())
    initrd = " initrd=initrd" if boot.initrd else ""
    with open(os.path.join(tree, "isolinux.cfg"), "w") as file:
        file.write(f"default go\nprompt 0\nlabel go\nkernel kernel\nappend{initrd} {boot.append} ring1_slow_end\n")
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-o", f"{work}/boot.iso", "-b", "isolinux.bin", "-c",
                    "boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", tree],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def command(boot, ports, work):
    if boot.on_terminal:
        settings.die("Bochs has no terminal to use here", "give a command with CMD='...'")
    _image(boot, work)
    lines = "\n".join(f"com{number}: enabled=1, mode=file, dev={path}" for number, path in enumerate(ports, 1))
    with open(f"{work}/bochsrc", "w") as file:
        file.write(CONFIGURATION.format(memory_mib=boot.memory_mib, cpu=boot.cpu, processors=boot.processors,
                                        work=work, ports=lines))
    with open(f"{work}/debugger", "w") as file:
        file.write("c\n")
    return ["bochs", "-q", "-f", f"{work}/bochsrc", "-rc", f"{work}/debugger"]


def streams(_boot, work):
    """Its chatter is of use only when it fails to start."""
    return {"stdin": subprocess.DEVNULL, "stdout": open(f"{work}/bochs.out", "w"), "stderr": subprocess.STDOUT}
