# SPDX-License-Identifier: GPL-2.0-only
"""Writes initramfs archives (cpio, newc: Documentation/driver-api/early-userspace/buffer-format.rst)."""
import os
import stat


class Archive:
    def __init__(self):
        self.chunks = []
        self.directories = set()
        self.inode = 0

    def directory(self, path):
        path = path.strip("/")
        if path and path not in self.directories:
            self.directory(os.path.dirname(path))
            self.directories.add(path)
            self._entry(path, stat.S_IFDIR | 0o755, b"")

    def file(self, path, data, mode=0o644):
        self.directory(os.path.dirname(path))
        self._entry(path, stat.S_IFREG | mode, data.encode() if isinstance(data, str) else data)

    def copy(self, path, source):
        with open(source, "rb") as file:
            self.file(path, file.read(), 0o755 if os.access(source, os.X_OK) else 0o644)

    def symlink(self, path, target):
        self.directory(os.path.dirname(path))
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, path, major, minor):
        self.directory(os.path.dirname(path))
        self._entry(path, stat.S_IFCHR | 0o600, b"", major, minor)

    def write(self, destination):
        self._entry("TRAILER!!!", 0, b"")
        with open(destination, "wb") as file:
            file.writelines(self.chunks)

    def _entry(self, path, mode, data, major=0, minor=0):
        self.inode += 1
        name = path.strip("/").encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name), 0)
        header = b"070701" + b"".join(b"%08x" % field for field in fields)
        self.chunks += [header, name, b"\0" * (-(len(header) + len(name)) % 4), data, b"\0" * (-len(data) % 4)]
