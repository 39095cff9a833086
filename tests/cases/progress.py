"""What a walk of the heap that takes long shows on a terminal."""
import os
import re
import subprocess

from harness.terminal import Ended, Terminal

# As many share the processor with it: the walk takes ten times as long, and so more than the half second after which there is progress.
OTHERS = 9
LINE = re.compile(r"\r\x1b\[\?7lwalking the heap: \d+%, [\d.]+[kMG]? of [\d.]+[kMG], [\d.]+[kMG]?/s(, .* left)?\x1b\[\?7h\x1b\[K")
ERASED = "\r\x1b[K"


def check(checks, tool, name, target):
    processor = {min(os.sched_getaffinity(0))}
    others = [subprocess.Popen(["sh", "-c", "while :; do :; done"], start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, processor))
              for _ in range(OTHERS)]
    terminal = Terminal([*tool.command, "top", *target], dict(tool.environment, TERM="xterm", LC_ALL="C.UTF-8"), processor)
    try:
        shown = terminal.wait_for("\x1b[?7h\x1b[K", 60)
        checks.true(f"{name}: it is shown", LINE.fullmatch(shown), repr(shown))
        for other in others:
            other.kill()
        rest = terminal.wait_for("main.", 60)  # the first name of the table
        lines, table = rest.rsplit(ERASED, 1)
        checks.true(f"{name}: and erased before the table", LINE.sub("", lines) == "" and "walking" not in table, repr(rest))
    except (Ended, ValueError) as error:
        checks.true(f"{name}: it is shown, then the table", False, str(error))
    finally:
        terminal.close()
        for other in others:
            other.kill()
            other.wait()
