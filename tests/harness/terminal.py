"""A program on a terminal of its own: what a user types, and what the program shows."""
import os
import pty
import select
import signal
import time


class Ended(Exception):
    """The program is gone, or does not show what was waited for."""


class Terminal:
    def __init__(self, command, environment, processors=None):
        """`processors`: those that it may run on, by their numbers."""
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            if processors:
                os.sched_setaffinity(0, processors)
            os.execvpe(command[0], command, environment)
        self._shown = bytearray()

    def type(self, text):
        os.write(self._terminal, text.encode())

    def interrupt(self):
        self.type("\x03")

    def wait_for(self, text, limit=30):
        """Everything up to the text, and the text; what comes behind it stays for the next call."""
        wanted, deadline, start = text.encode(), time.monotonic() + limit, 0
        while (at := self._shown.find(wanted, start)) < 0:
            start = max(0, len(self._shown) - len(wanted))
            self._read(deadline, text)
        end = at + len(wanted)
        shown, self._shown = self._shown[:end], self._shown[end:]
        return shown.decode(errors="replace").replace("\r\n", "\n")

    def _read(self, deadline, text):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self._terminal], [], [], left)[0]:
            raise Ended(f"{text!r} does not come; shown is {self._shown[-600:]!r}")
        try:
            piece = os.read(self._terminal, 65536)
        except OSError:  # how Linux tells the end of the other side
            piece = b""
        if not piece:
            raise Ended(f"the program ended; shown is {self._shown[-600:]!r}")
        self._shown += piece

    def rest(self, limit=60):
        """What it shows until it ends."""
        deadline = time.monotonic() + limit
        try:
            while True:
                self._read(deadline, "the end")
        except Ended:
            if time.monotonic() >= deadline:
                raise
        return self._shown.decode(errors="replace").replace("\r\n", "\n")

    def children(self):
        """{pid: name} of the program's children that are no zombies of a debugger's inferior."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/stat") as file:
                    name, _, rest = file.read().partition("(")[2].rpartition(")")
            except OSError:
                continue
            if int(rest.split()[1]) == self.pid:
                found[int(entry)] = name
        return found

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)


def run(command, environment):
    """All that a program shows until it ends."""
    terminal = Terminal(command, environment)
    try:
        return terminal.rest()
    finally:
        terminal.close()
