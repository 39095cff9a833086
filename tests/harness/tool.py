"""Calling mapscope."""
import json
import os
import shlex

from harness import compare, process


def is_script(path):
    """scripts/test-on has one there, which runs the program under qemu."""
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def is_narrow(path):
    """Whether it is a program of 32 bits."""
    with open(path, "rb") as file:
        return file.read(5) == b"\x7fELF\1"


class Tool:
    """The program, and what has to be around it: words before the command, variables in the environment."""

    def __init__(self, path, prefix=(), environment=None):
        self.path = path
        self.command = [*prefix, path]
        self.environment = dict(os.environ, **(environment or {}))
        self.emulated = is_script(path)
        self.narrow = is_narrow(path)

    def fewer(self, many, few):
        """How many of what is tried by the dozen: an emulator takes ten times as long and more."""
        return few if self.emulated else many

    def run(self, *arguments, limit=60, **options):
        return process.run([*self.command, *arguments], limit, env=self.environment, **options)

    def document(self, checks, name, *arguments, status=0, limit=60, lines=False, **options):
        """The JSON a command prints (a list of documents for ndjson). None, and a failed check, if anything is wrong."""
        result = self.run(*arguments, limit=limit, **options)
        if result.timed_out or result.status != status:
            checks.true(name, False, f"{shlex.join(arguments)}: expected status {status}, found {result.status}:"
                                     f" {result.stderr.strip()[-300:]}")
            return None
        try:
            return compare.parse_lines(result.stdout) if lines else compare.parse(result.stdout)
        except (ValueError, compare.Duplicate, json.JSONDecodeError) as error:
            checks.true(name, False, f"{shlex.join(arguments)}: not JSON: {error}: {result.stdout[:200]!r}")
            return None
