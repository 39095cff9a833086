"""Calling mapscope."""
import json
import shlex

from harness import compare, process


class Tool:
    def __init__(self, path):
        self.path = path

    def run(self, *arguments, limit=60, **options):
        return process.run([self.path, *arguments], limit, **options)

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
