#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
import base64
import unittest
import zlib

from frames import FrameReader


def frame(sequence, kind, payload, nonce=b"abc"):
    return b"@%s %s %d %08x %s\n" % (nonce, kind, sequence, zlib.crc32(payload), base64.b64encode(payload))


class Frames(unittest.TestCase):
    def read(self, stream, step):
        self.frames, self.text = [], b""

        def on_text(data):
            self.text += data
        reader = FrameReader("abc", lambda kind, payload: self.frames.append((kind, payload)), on_text)
        for start in range(0, len(stream), step):
            reader.feed(stream[start:start + step])
        reader.finish()
        return reader

    def test_any_division_of_the_stream(self):
        stream = (b"[ 0.1] a message" + frame(0, b"h", b"") + frame(1, b"o", b"one\n\0") + b"@ab noise @abcd\n" +
                  frame(2, b"o", b"two", b"xyz") + frame(2, b"x", b"3") + b"tail @a")
        for step in (1, 2, 7, len(stream)):
            reader = self.read(stream, step)
            self.assertIsNone(reader.damage)
            self.assertEqual(self.frames, [("h", b""), ("o", b"one\n\0"), ("x", b"3")])
            self.assertEqual(self.text, b"[ 0.1] a message@ab noise @abcd\n" + frame(2, b"o", b"two", b"xyz") + b"tail @a")

    def test_lost_frame(self):
        self.assertEqual(self.read(frame(0, b"h", b"") + frame(2, b"x", b"0"), 5).damage, "frame 1 is missing")

    def test_message_inside_a_frame(self):
        damaged = frame(0, b"o", b"some output").replace(b"29t", b"[ 1.0] oops")
        self.assertEqual(self.read(damaged, 9).damage, "frame 0 arrived damaged")
        self.assertEqual(self.frames, [])

    def test_changed_byte(self):
        self.assertEqual(self.read(frame(0, b"o", b"some output").replace(b"c29", b"c28"), 64).damage,
                         "frame 0 arrived damaged")


unittest.main()
