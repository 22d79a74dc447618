#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""extract-vmlinux.py BZIMAGE VMLINUX: the ELF kernel that a bzImage carries compressed.

The setup header (Documentation/arch/x86/boot.rst) tells where the payload lies; its last four bytes are the
unpacked size. An uncompressed kernel boots faster on an emulator.
"""
import lzma
import struct
import subprocess
import sys

SETUP_SECTS = 0x1F1
HEADER_MAGIC = 0x202
PAYLOAD_OFFSET = 0x248
SECTOR = 512


def payload_of(image):
    if image[HEADER_MAGIC:HEADER_MAGIC + 4] != b"HdrS":
        sys.exit("extract-vmlinux: no Linux boot header")
    protected_mode_code = (image[SETUP_SECTS] + 1) * SECTOR
    offset, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    return image[protected_mode_code + offset:protected_mode_code + offset + length]


def unpack(payload):
    if payload.startswith(b"\xfd7zXZ"):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(b"\x02\x21\x4c\x18"):
        return subprocess.run(["lz4", "-d", "-c"], input=payload[:-4], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=True).stdout
    if payload.startswith(b"\x28\xb5\x2f\xfd"):
        return subprocess.run(["zstd", "-d", "-c"], input=payload[:-4], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=True).stdout
    sys.exit("extract-vmlinux: unknown compression " + payload[:6].hex())


def main():
    with open(sys.argv[1], "rb") as file:
        kernel = unpack(payload_of(file.read()))
    if kernel[:4] != b"\x7fELF":
        sys.exit("extract-vmlinux: the payload is no ELF file")
    with open(sys.argv[2], "wb") as file:
        file.write(kernel)


main()
