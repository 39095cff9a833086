"""Subprocesses, each with a time limit."""
import subprocess


class Failed(Exception):
    pass


class Result:
    def __init__(self, status, stdout, stderr, timed_out=False):
        self.status = status  # negative: died of that signal
        self.stdout = stdout
        self.stderr = stderr
        self.timed_out = timed_out


def run(command, limit=60, stdin="", **options):
    """Never raises for what the command does; output is text, undecodable bytes replaced."""
    try:
        done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=limit, errors="replace", **options)
    except subprocess.TimeoutExpired as expired:
        return Result(None, "", f"still running after {expired.timeout} s", True)
    return Result(done.returncode, done.stdout, done.stderr)


def must_run(command, limit=60, **options):
    result = run(command, limit, **options)
    if result.status != 0:
        raise Failed(f"{' '.join(command)}: status {result.status}: {result.stderr.strip()[-400:]}")
    return result
