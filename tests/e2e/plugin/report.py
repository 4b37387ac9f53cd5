# SPDX-License-Identifier: Apache-2.0
"""The lines that tests/e2e/run prints."""
import subprocess
import time


class Failed(Exception):
    """A step cannot go on."""


class Report:
    def __init__(self):
        self.failures = 0
        self.checks = 0
        self.start = time.monotonic()

    def _line(self, word, step, text):
        print(f"{word:4} {time.monotonic() - self.start:6.1f}s  {step}: {text}", flush=True)

    def ok(self, step, text):
        self.checks += 1
        self._line("ok", step, text)

    def note(self, step, text):
        self._line("", step, text)

    def fail(self, step, text):
        self.checks += 1
        self.failures += 1
        self._line("FAIL", step, text)

    def check(self, step, good, text, why=""):
        """One check: `text` says what must hold, `why` what was found instead."""
        if good:
            self.ok(step, text)
        else:
            self.fail(step, f"{text}: {why}" if why else text)
        return good

    def attempt(self, step, run):
        """Runs a step. An error that ends it is a failure of that step, not of the run."""
        try:
            run()
            return True
        except (Failed, subprocess.TimeoutExpired, OSError, KeyError, ValueError) as error:
            self.fail(step, f"{type(error).__name__}: {error}")
            return False

    def finish(self):
        print(f"{self.checks} checks, {self.failures} failed")
        return 1 if self.failures or not self.checks else 0
