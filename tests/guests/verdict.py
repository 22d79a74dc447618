# SPDX-License-Identifier: GPL-2.0-only
"""What a run's output means."""
import re

FINAL = re.compile(rb"(\d+) passed, (\d+) failed")
CHECK = re.compile(rb"(PASS|FAIL|SKIP): ([^\r\n]*)")
PASSED_CODE = 1  # isa-debug-exit with value 0


class Result:
    """`code`: exit status of what ran the guest, None after a time-out; `trouble`: the host was harmed."""

    def __init__(self, test, output, code, trouble=None):
        self.test, self.output, self.code, self.trouble = test, output, code, trouble

    def lines(self, kind):
        return [text.decode(errors="replace") for found, text in CHECK.findall(self.output) if found == kind]

    def problem(self):
        """Why this is not what the list expects, or None."""
        if self.trouble:
            return self.trouble
        if self.test.end == "any":
            return None
        final = FINAL.search(self.output)
        if self.test.end == "reset":
            return "went on to its end instead of a reset" if final else "timed out" if self.code is None else None
        if not final:
            tail = self.output[-300:].decode(errors="replace").strip()
            return ("timed out" if self.code is None else f"ended with {self.code}, no final line") + f"; last: {tail}"
        if int(final[2]):
            return f"{int(final[2])} failed: " + "; ".join(self.lines(b"FAIL"))
        if self.code != PASSED_CODE:
            return f"all passed, but the exit status is {self.code}"
        return None


def report(place, results, verbose):
    good, engine = True, place.engine
    for result in results:
        if verbose:
            print(result.output.decode(errors="replace").replace("\r", ""))
        problem, expected = result.problem(), place.find(result.test.xfail)
        passed, skipped = len(result.lines(b"PASS")), result.lines(b"SKIP")
        if problem and expected and not result.trouble:
            print(f"XFAIL {engine} {result.test.name}: {expected} ({problem})")
        elif problem:
            good = False
            print(f"FAIL {engine} {result.test.name}: {problem}")
        elif expected:
            good = False
            print(f"XPASS {engine} {result.test.name}: passes although the list says: {expected}")
        else:
            print(f"PASS {engine} {result.test.name}: {passed} checks" +
                  "".join(f"\n  SKIP {line}" for line in skipped))
    return good
