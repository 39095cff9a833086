"""What leaves the program is what was asked for: --redact keeps keys and values in, files are for their owner alone, nothing else is written."""
import base64
import os
import re
import shutil
import stat
import subprocess
import tempfile

from harness import gdb, go, process, zoo

SOURCE = os.path.join(go.ROOT, "testdata", "secrets")
VERSIONS = {"1.23": ("live",), "1.26": ("live", "gcore")}
FORMATS = ("text", "json", "ndjson")
# Of testdata/secrets: the texts and numbers of its maps, and how they look in hexadecimal and base64.
CANARIES = re.compile("|".join(["CANARY", "73162530491", "84263721582", "618033988", "6.18033988", f"{7316253049185:x}"[:8],
                                base64.b64encode(b"\xffCANARY").decode()[:8]]))
MAPS = ["main.words", "main.numbers", "main.reals", "main.nested", "main.users", "main.anys", "main.bytes", "main.boxes", "main.tags",
        "main.cache", 'main.nested["CANARY-3"]', "main.boxes[7316253049187].inner", 'main.cache["CANARY-2"]', 'main.anys["CANARY-"]',
        "main.anys[int64(7316253049185)]", 'main.anys[main.point{7316253049185, "CANARY-"}]']
PLAIN = {"main.words", "main.numbers", "main.reals", "main.nested", "main.users", "main.anys", "main.bytes", "main.boxes", "main.tags"}
KEYS = [("main.words", '"CANARY-1"'), ("main.numbers", "7316253049186"), ("main.reals", "618033988.75"),
        ("main.users", '{7316253049185, "CANARY-0"}'), ("main.anys", '"CANARY-"'), ("main.anys", "int64(7316253049185)"),
        ("main.bytes", '"\\xffCANARY-key"'), ("main.tags", '{"CANARY-1", "CANARY-1"}')]
# What nobody should type, with keys in it: the complaint must not repeat them. Those of status 4 or 0 are no mistakes.
WRONG = [["show", 'main.nested["CANARY-none"]'], ["show", "main.boxes[7316253049000]"], ["show", 'main.nested["CANARY-3"'],
         ["show", "main.nested[CANARY-3]"], ["show", 'main.nested["CANARY-3"][7316253049188]'], ["show", "main.nested['CANARY-3']"],
         ["stat", 'main.words["CANARY-1"]'], ["show", 'main.wrods["CANARY-1"]'], ["show", 'main.boxes[7316253049187].inners["CANARY-1"]'],
         ["trace", "main.words", "CANARY-1"], ["trace", "main.words", '"CANARY-1'], ["trace", "main.numbers", "7316253049185CANARY"],
         ["trace", "main.numbers", "73162530491857316253049185"], ["trace", "main.words", '"CANARY-1"', "CANARY-2"],
         ["trace", "main.users", "{CANARY: 7316253049185}"], ["who", 'main.words["CANARY-1"]'],
         ["verify", 'main.nested["CANARY-none"]'], ["dump", 'main.nested["CANARY-none"]']]
REPLAY = 'set "CANARY-1" 7316253049185\nget "CANARY-1"\ntrace "CANARY-1"\nshow\ndump\nstat\nset CANARY-2 7316253049185\n'


class Program(zoo.Fixture):
    def __init__(self, version):
        super().__init__(go.build_program(version, "secrets", SOURCE, go.Mode()), lambda folder: [])


def check(checks, tool, version, targets, build):
    if version not in VERSIONS or not checks.wanted(f"{version} secrets"):
        return
    program = Program(version)
    live = ["-p", str(program.pid)]
    try:
        if "live" in targets:
            check_redacted(checks, tool, f"{version} secrets live", live)
            check_unredacted(checks, tool, f"{version} secrets without --redact", live, version)
            check_replay(checks, tool, f"{version} secrets replay", version)
            check_wrong(checks, tool, f"{version} secrets live", live)
            check_no_stop(checks, tool, f"{version} secrets live --no-stop", live)
            if checks.possible(f"{version} secrets gdb"):
                check_gdb(checks, f"{version} secrets gdb", program, build)
            check_output(checks, tool, f"{version} secrets output", live)
            check_written(checks, tool, f"{version} secrets written", live)
        if "gcore" in targets and "gcore" in VERSIONS[version] and shutil.which("gcore"):
            core = ["-c", program.gdb_core(), "-e", program.executable]
            check_redacted(checks, tool, f"{version} secrets core", core, ("text", "json"))
            check_wrong(checks, tool, f"{version} secrets core", core)
        checks.true(f"{version} secrets: the target answers", program.answers(), "no pong")
    finally:
        program.close()


def silent(checks, name, result, statuses=(0,)):
    found = CANARIES.search(result.stdout + result.stderr)
    checks.true(f"{name}: says something", result.status in statuses and (result.stdout or result.stderr),
                f"{result.status}: {result.stderr[-200:]}")
    text = result.stdout + result.stderr
    checks.true(f"{name}: nothing of a key or value", found is None, found and text[max(0, found.start() - 100):found.end() + 20])


def commands():
    """(words, whether the output without --redact has keys or values, for this test to see them)."""
    for expression in MAPS:
        yield ["show", expression, "--max", "0"], True
        yield ["dump", expression], True
    for expression in ('main.nested["CANARY-3"]', "main.cache"):
        yield ["stat", expression], "[" in expression
        yield ["dump", "--memory", expression], "[" in expression
        yield ["who", expression], "[" in expression
        yield ["verify", expression], "[" in expression
    for expression, key in KEYS:
        yield ["trace", expression, key], True
    yield ["list"], True
    yield ["list", "-g"], False
    yield ["list", "--all"], True
    yield ["top", "--max", "0"], True
    yield ["verify"], True
    yield ["races"], True


def check_redacted(checks, tool, name, target, formats=FORMATS):
    for words, telling in commands():
        for form in formats:
            label = f"{name} {' '.join(words)} {form}"
            silent(checks, label, tool.run(*words, *target, "--redact", "--format", form))
    for form in (*formats, "c", "go"):
        silent(checks, f"{name} layout {form}", tool.run("layout", *target, "--redact", "--format", form))


def check_unredacted(checks, tool, name, target, version):
    """The canaries are there to be seen: else this test would see nothing."""
    for words, telling in commands():
        if words == ["races"] and version == "1.23":
            continue  # its DWARF does not say where mapassign_faststr has the key while that is hashed
        looks = 20 if words == ["races"] else 1  # the goroutine may stand where its key is not known
        seen = any(CANARIES.search(tool.run(*words, *target).stdout) for _ in range(looks))
        checks.equal(f"{name} {' '.join(words)}", telling, seen)


def check_replay(checks, tool, name, version):
    for form in FORMATS:
        arguments = ["replay", "--go", version, "--type", "map[string]int", "--redact", "--format", form]
        silent(checks, f"{name} {form}", tool.run(*arguments, stdin=REPLAY), (2,))


def check_wrong(checks, tool, name, target):
    for words in WRONG:
        silent(checks, f"{name} {' '.join(words)}", tool.run(*words, *target, "--redact"), (2, 3))


def check_no_stop(checks, tool, name, target):
    for expression in PLAIN:
        silent(checks, f"{name} {expression}", tool.run("show", expression, *target, "--redact", "--no-stop", "--stats"))


def check_gdb(checks, name, program, build):
    """What the plug-in has GDB print; GDB's own echo of a command is not among it."""
    debugger = gdb.installed()
    asked = ["mapscope show --redact main.words", "mapscope dump --redact main.numbers", 'mapscope show --redact main.nested["CANARY-3"]',
             'mapscope trace --redact main.words "CANARY-1"', "mapscope list --redact", "mapscope list --redact --format json",
             "mapscope show --redact --format ndjson main.anys", "show convenience"]
    answers = debugger.run(["-p", str(program.pid)], asked, gdb.script(build))
    for command, answer in zip(asked, answers):
        text = answer or ""
        found = CANARIES.search(text)
        checks.true(f"{name} {command}", len(text) > 40 and found is None, text[:300])


def check_output(checks, tool, name, target):
    """--output makes a file for its owner alone, whatever the umask; what is there keeps its mode."""
    with tempfile.TemporaryDirectory(prefix="mapscope-secrets-") as folder:
        made, kept = os.path.join(folder, "made"), os.path.join(folder, "kept")
        with open(kept, "w") as file:
            file.write("x" * 100000)
        os.chmod(kept, 0o640)
        expected = tool.run("show", "main.numbers", *target).stdout
        for path, mode in ((made, 0o600), (kept, 0o640)):
            result = tool.run("show", "main.numbers", *target, "--output", path, umask=0)
            checks.equal(f"{name}: status and standard output", (0, ""), (result.status, result.stdout))
            checks.equal(f"{name}: mode", oct(mode), oct(stat.S_IMODE(os.stat(path).st_mode)))
            with open(path) as file:
                checks.equal(f"{name}: the text", expected, file.read())
        result = tool.run("show", "main.numbers", *target, "-o", os.path.join(folder, "no", "such"))
        checks.equal(f"{name}: where there is no folder", (3, ""), (result.status, result.stdout))
        checks.true(f"{name}: where there is no folder: why", "No such file or directory" in result.stderr, result.stderr)


def check_written(checks, tool, name, target):
    """No file is opened for writing, made, renamed or removed, but the one that was asked for; nothing is written to the process."""
    if not shutil.which("strace"):
        checks.skip(name, "no strace here (Debian package strace)")
        return
    with tempfile.TemporaryDirectory(prefix="mapscope-secrets-") as folder:
        log, output = os.path.join(folder, "log"), os.path.join(folder, "output")
        for words in (["show", "main.words"], ["top"], ["verify", "main.words"], ["trace", "main.words", '"CANARY-1"'], ["races"],
                      ["layout"], ["show", "main.words", "--output", output]):
            process.must_run(["strace", "-f", "-o", log, *tool.command, *words, *target], env=tool.environment)
            with open(log) as file:
                calls = file.read().splitlines()
            opened = [call for call in calls if re.search(r"\b(openat|open|creat)\(", call)]
            changes = [call for call in calls if re.search(
                r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|\b(creat|mkdir|mkdirat|rename\w*|unlink\w*|link\w*|symlink\w*|truncate|mknod\w*|chmod|"
                r"fchmod\w*|process_vm_writev|socket|connect)\(|PTRACE_POKE|PTRACE_SETREG", call)]
            asked = [call for call in changes if f'"{output}"' in call]
            label = f"{name} {' '.join(words)}"
            checks.true(f"{label}: strace saw what is read", len(opened) > 3, str(opened))
            checks.equal(f"{label}: nothing else", asked, changes)
            checks.equal(f"{label}: the file asked for", "--output" in words, len(asked) == 1)
