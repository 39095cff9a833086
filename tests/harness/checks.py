"""Counting what was checked. A check is named by words from the general to the special: version, mode, target, map."""
import os
import re
import sys
import time


class Checks:
    def __init__(self, pattern=None, verbose=False, claims=None, impossible=()):
        """`claims`: an empty folder, where several processes count parts of one run. `impossible`: patterns of names of what this machine
        cannot run, each with the reason."""
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.verbose = verbose
        self._pattern = re.compile(pattern) if pattern else None
        self._claims = claims
        self._impossible = [(re.compile(names), reason) for names, reason in impossible]
        self._refused = set()
        self._start = time.monotonic()

    def wanted(self, name):
        return (not self._pattern or bool(self._pattern.search(name))) and self.possible(name)

    def possible(self, name):
        """Whether this machine can run it; what it cannot is skipped, once, however often that is asked."""
        reason = next((reason for names, reason in self._impossible if names.search(name)), None)
        if reason and name not in self._refused:
            self._refused.add(name)
            self.skip(name, reason)
        return not reason

    def first(self, key):
        """Whether this is the first time in this run that somebody asks with these words."""
        try:
            os.mkdir(os.path.join(self._claims, " ".join(str(word) for word in key)))
        except FileExistsError:
            return False
        return True

    def true(self, name, good, detail=""):
        if good:
            self.passed += 1
            if self.verbose:
                print(f"pass {name}", flush=True)
            return
        self.failed += 1
        print(f"FAIL {name}" + (f": {detail}" if detail else ""), flush=True)

    def equal(self, name, expected, found):
        self.true(name, expected == found, f"expected {_short(expected)}, found {_short(found)}")

    def skip(self, name, why):
        self.skipped += 1
        print(f"skip {name}: {why}", flush=True)

    def note(self, text):
        """Progress, to standard error."""
        print(f"[{time.monotonic() - self._start:6.1f} s] {text}", file=sys.stderr, flush=True)

    def add_counts(self, passed, failed, skipped=0):
        """Those of a program or process of its own."""
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def counts(self):
        return self.passed, self.failed, self.skipped

    def summary(self):
        tail = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{tail}"


def _short(value):
    text = repr(value)
    return text if len(text) <= 300 else text[:300] + "..."
