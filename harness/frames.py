# SPDX-License-Identifier: GPL-2.0-only
"""The receiving end of agent.c: takes frames out of a stream that kernel messages may share."""
import base64
import binascii
import re
import secrets
import zlib


def new_nonce():
    return secrets.token_hex(6)


class FrameReader:
    """Feed it bytes; it calls on_frame(kind, payload) and on_text(bytes) for what is not a frame.

    `damage` names the first frame that arrived broken or not at all, if any did.
    """

    def __init__(self, nonce, on_frame, on_text):
        self.marker = b"@" + nonce.encode() + b" "
        self.on_frame, self.on_text = on_frame, on_text
        self.pending = b""
        self.expected = 0
        self.damage = None

    def feed(self, data):
        self.pending += data
        while True:
            start = self.pending.find(self.marker)
            if start < 0:
                # The end of what came may be the beginning of a marker.
                keep = next((n for n in range(len(self.marker) - 1, 0, -1)
                             if self.pending.endswith(self.marker[:n])), 0)
                self._text(len(self.pending) - keep)
                return
            self._text(start)
            end = self.pending.find(b"\n")
            if end < 0:
                return
            line, self.pending = self.pending[len(self.marker):end], self.pending[end + 1:]
            self._frame(line)

    def finish(self):
        self._text(len(self.pending))

    def _text(self, size):
        if size:
            self.on_text(self.pending[:size])
            self.pending = self.pending[size:]

    def _frame(self, line):
        parts = re.fullmatch(rb"([a-z]) (\d+) ([0-9a-f]{8}) ([A-Za-z0-9+/=]*)\r?", line)
        try:
            payload = base64.b64decode(parts[4], validate=True) if parts else None
        except binascii.Error:
            payload = None
        if payload is None or zlib.crc32(payload) != int(parts[3], 16):
            self.damage = self.damage or f"frame {self.expected} arrived damaged"
            self.on_text(line + b"\n")
            self.expected += 1
            return
        if int(parts[2]) != self.expected:
            self.damage = self.damage or f"frame {self.expected} is missing"
        self.expected = int(parts[2]) + 1
        self.on_frame(parts[1].decode(), payload)
