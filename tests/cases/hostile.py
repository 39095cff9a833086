"""Nothing of a target reaches a terminal as it is, or breaks JSON: keys, values, names of variables, types, fields and functions, paths."""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import unicodedata

from harness import compare, gdb, go, ordeal, process, zoo

SOURCE = os.path.join(go.ROOT, "testdata", "hostile")
VERSIONS = ("1.23", "1.26")  # classic and Swiss; with sanitizers and under an emulator, which take their time, the last one
HOSTILE = "\x1b[31m\u202e\u009b\u2066".encode() + b"\xff\xed\xa0\x80\r\x07\xc0\x80"  # 22 bytes
PLACEHOLDERS = (b"placeholderVariableName", b"placeholderFunction", b"placeholderField", b"placeholderLocal", b"placeholderType")
MAPS = ("main.bytes", "main.odd", "main.arrays", "main.runes", "main.anys", "main.nested", "main.tags", "main.errors", "main.cache")
FORMATS = ("text", "json", "ndjson")
KEYS = ('"\\x1b[31mred\\x1b[0m"', '"\\u202eabc\\u2066def\\u2069"', '"\u202enone\x1b"', "\x1b[31m", '"\udcff"')


def check(checks, tool, version, targets, build):
    label = f"{version} hostile"
    if version not in VERSIONS[-1 if tool.emulated or ordeal.is_sanitized(tool.path) else 0:] or not checks.wanted(label):
        return
    with tempfile.TemporaryDirectory(prefix="mapscope-hostile-") as folder:
        executable = os.path.join(folder, "exe")
        damage(go.build_program(version, "hostile", SOURCE, go.Mode("-ldflags=-compressdwarf=false", "-gcflags=-N -l")), executable)
        program = zoo.Fixture(executable, lambda _: [])
        try:
            if "live" in targets:
                Case(checks, tool, f"{label} live", ["-p", str(program.pid)]).check()
                if checks.possible(f"{label} gdb"):
                    check_gdb(checks, f"{label} gdb", program, build)
            core = program.kernel_core() if "core" in targets else None
            if core:
                odd, odd_executable = (os.path.join(os.fsencode(folder), HOSTILE + end) for end in (b"core", b"exe"))
                shutil.copy(core, odd)
                shutil.copy(executable, odd_executable)
                Case(checks, tool, f"{label} core", ["-c", odd, "-e", odd_executable]).check()
                check_paths(checks, tool, f"{label} paths", odd)
        finally:
            program.close()


def damage(original, path):
    """A copy with every placeholder replaced."""
    with open(original, "rb") as file:
        content = file.read()
    for name in PLACEHOLDERS:
        assert content.count(name) > 0, name
        content = content.replace(name, (HOSTILE + b"abc")[:len(name)])
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, 0o755)


def as_bytes(value):
    """A string of JSON, as it was."""
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value.encode()


def harm(text, allowed="\n"):
    """What in the bytes a terminal or a reader of JSON should not get; None: nothing."""
    try:
        for number, character in enumerate(text.decode()):
            if character not in allowed and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
                return f"{character!r} at {number}, behind {text.decode()[max(0, number - 40):number]!r}"
    except UnicodeDecodeError as error:
        return str(error)
    return None


def run(tool, *arguments):
    """(status, stdout, stderr), these as bytes: no newline is made of another."""
    done = subprocess.run([*tool.command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=process.patient(60),
                          env=tool.environment)
    return process.true_status(done.returncode, done.stderr.decode(errors="replace")), done.stdout, done.stderr


class Case:
    def __init__(self, checks, tool, label, target):
        self.checks = checks
        self.tool = tool
        self.label = label
        self.target = target

    def run(self, name, *arguments, statuses=(0,), allowed="\n"):
        status, stdout, stderr = run(self.tool, *arguments, *self.target)
        name = f"{self.label} {name}"
        self.checks.true(f"{name}: status", status in statuses, f"{status}: {stderr[-300:]!r}")
        self.checks.equal(f"{name}: stdout", None, harm(stdout, allowed))
        self.checks.equal(f"{name}: stderr", None, harm(stderr))
        return stdout

    def parsed(self, name, form, *arguments, statuses=(0,)):
        stdout = self.run(f"{name} {form}", *arguments, "--format", form, statuses=statuses)
        if form == "text":
            return None
        try:
            return compare.parse_lines(stdout.decode()) if form == "ndjson" else compare.parse(stdout.decode())
        except (ValueError, compare.Duplicate, json.JSONDecodeError) as error:
            self.checks.true(f"{self.label} {name} {form}: is JSON", False, str(error))
            return None

    def check(self):
        listed = self.parsed("list", "json", "list")
        names = [entry["name"] for entry in listed["maps"]] if listed else []
        odd = [name for name in names if isinstance(name, str) and name not in MAPS and name.startswith("main.")]
        self.checks.true(f"{self.label}: a variable has a hostile name", any("\x1b" in name or "\\x1b" in name for name in names), names)
        for form in FORMATS:
            for name in odd[:1]:  # which is no name in Go
                self.run(f"show {name!r} {form}", "show", name, "--format", form, statuses=(3,))
            for expression in MAPS:
                self.parsed(f"show {expression!r}", form, "show", expression)
            for command in (["list"], ["list", "--goroutines"], ["list", "--all"], ["top"], ["top", "--by", "type"], ["races"], ["layout"],
                            ["stat", "main.odd"], ["dump", "main.odd"], ["dump", "main.anys"], ["dump", "main.odd", "--memory"]):
                self.parsed(" ".join(command), form, *command)
            self.parsed("verify", form, "verify", statuses=(0, 1))  # a map of such a name it cannot find again
        for form in ("c", "go"):
            self.run(f"layout {form}", "layout", "--format", form, allowed="\n\t")
        for key in KEYS:
            self.run(f"trace {key!r}", "trace", "main.odd", key, statuses=(0, 2, 3))
            self.run(f"show {key!r}", "show", f"main.nested[{key}]", statuses=(0, 2, 3))
            self.run(f"usage {key!r}", "show", "main.odd", "--" + key, statuses=(2,))
        self.check_values()

    def check_values(self):
        """What came back is what went in."""
        document = self.parsed("show main.bytes", "json", "show", "main.bytes")
        found = {as_bytes(entry["key"]) for entry in document["entries"]} if document else set()
        self.checks.equal(f"{self.label}: all bytes are keys", {bytes([byte]) for byte in range(256)}, found)


def check_gdb(checks, name, program, build):
    """What GDB prints of ours."""
    asked = ["mapscope show main.odd", "mapscope show --format json main.anys", "mapscope list", "mapscope dump main.errors", 'mapscope show main.nested["\\r\\n"]']
    answers = gdb.installed().run(["-p", str(program.pid)], asked, gdb.script(build))
    for command, answer in zip(asked, answers):
        checks.true(f"{name} {command}", len(answer or "") > 40 and harm(answer.encode(errors="surrogateescape")) is None,
                    harm((answer or "").encode(errors="surrogateescape")) or answer)


def check_paths(checks, tool, name, odd):
    """Of files that are not there, or no such files."""
    for arguments in (["list", "-c", odd + b"none"], ["list", "-e", odd], ["list", "-e", odd + b"none"], ["verify", "-e", odd, "--expect", odd],
                      ["layout", "diff", odd, odd], [b"\x1b[31m\xff"], ["show", b"--\x1b[31m"]):
        status, *parts = run(tool, *arguments)
        checks.true(f"{name} {arguments}: status", status in (2, 3), status)
        for part in parts:
            checks.equal(f"{name} {arguments}", None, harm(part))
