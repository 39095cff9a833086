"""The plug-in at GDB's prompt: pager, keys, front ends, logs, and tools that die or are not there."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from cases import gdb_install, gdb_much
from harness import gdb, gdbtarget, process
from harness.terminal import Ended, Terminal

PROMPT = "(gdb) "
LONGEST_INTERRUPT = 1.0  # s until the prompt is back
ENTRIES = 1000000
LONG = "mapscope show main.large --max 0"
SHORT = "mapscope show main.users"
ANSWER = "2 entries"
# A line of the machine interface is a record of one of these kinds, or its prompt (GDB manual, GDB/MI Output Syntax).
RECORD = re.compile(r'^(\d*[\^*+=].*|[~@&]".*"|\(gdb\) ?)$')


def check(checks, tool, debuggers, version, build):
    """With one Go version: nothing here depends on it."""
    name = f"{version} gdb prompt"
    if not checks.wanted(name):
        return
    held = gdbtarget.Held(gdbtarget.build(version, "noopt"), ENTRIES)
    try:
        for debugger in debuggers:
            check_debugger(checks, debugger, gdb.script(build), f"{name} {debugger.name}", held)
            gdb_much.check(checks, tool, debugger, gdb.script(build), f"{name} {debugger.name} much", held)
        gdb_install.check(checks, tool, debuggers, f"{name} install", build, held)
        checks.true(f"{name}: the process answers afterwards", held.answers(), "no pong")
    finally:
        held.close()


def check_debugger(checks, debugger, script, name, held):
    start = ["-p", str(held.pid)]
    for check_one in (check_terminal, check_interrupt_remote, check_machine_interface, check_log, check_short_pipe, check_twice, check_errors,
                      check_missing_tool, check_dying_tool, check_runtime_script):
        try:
            check_one(checks, debugger, script, f"{name} {check_one.__name__[6:]}", held, start)
        except Ended as why:
            checks.true(f"{name} {check_one.__name__[6:]}", False, str(why))


class Prompt(Terminal):
    """GDB on a terminal."""

    def __init__(self, debugger, script, start):
        super().__init__(debugger.arguments(start, script), debugger.environment)
        self.wait_for(PROMPT, 60)

    def ask(self, command, limit=30):
        """What GDB prints to a command."""
        self.type(command + "\n")
        return self.wait_for(PROMPT, limit).removesuffix(PROMPT).partition("\n")[2]


def check_terminal(checks, debugger, script, name, held, start):
    prompt = Prompt(debugger, script, start)
    try:
        check_pager(checks, prompt, f"{name} pager")
        check_tab(checks, prompt, f"{name} TAB")
        check_interrupt(checks, prompt, f"{name} ^C")
        check_killed_tool(checks, prompt, f"{name} tool killed")
    finally:
        prompt.close()


def check_pager(checks, prompt, name):
    prompt.ask("set height 10")
    prompt.ask("set pagination on")
    prompt.type("mapscope show main.large\n")
    prompt.wait_for("--Type <RET> for more")
    prompt.type("q\n")
    prompt.wait_for(PROMPT)
    checks.true(f"{name}: works after q", ANSWER in prompt.ask(SHORT))
    prompt.ask("set pagination off")
    prompt.ask("set height 0")


def check_tab(checks, prompt, name):
    prompt.ask("frame function main.hold")
    for typed, completed in (("mapscope sh", "mapscope show "), ("mapscope tra", "mapscope trace "), ("mapsc", "mapscope "),
                             ("mapscope show para", "parameter"), ("mapscope show 'main.mis", "'main.missing'")):
        prompt.type(typed + "\t")
        shown = prompt.wait_for(completed, 10)
        checks.true(f"{name} {typed}", completed in shown, shown)
        prompt.interrupt()
        prompt.wait_for(PROMPT)


def wait_for_child(prompt, limit=10):
    """The tool, once GDB has started it."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        found = [pid for pid, child in prompt.children().items() if child.startswith("mapscope")]
        if found:
            return found[0]
        time.sleep(0.005)
    raise Ended("GDB starts no tool")


def check_interrupt(checks, prompt, name):
    """At moments from the tool's start to the middle of its output."""
    for delay in (0, 0.05, 0.3, 1):
        prompt.type(LONG + " \n")
        wait_for_child(prompt)
        time.sleep(delay)
        began = time.monotonic()
        prompt.interrupt()
        prompt.wait_for(PROMPT)
        took = time.monotonic() - began
        checks.true(f"{name} after {delay} s: the prompt is back", took <= LONGEST_INTERRUPT, f"after {took:.2f} s")
        checks.equal(f"{name} after {delay} s: no child is left", {}, prompt.children())
        answer = prompt.ask(SHORT)
        checks.true(f"{name} after {delay} s: the next command", ANSWER in answer, answer)


def check_killed_tool(checks, prompt, name):
    prompt.type(LONG + "\n")
    os.kill(wait_for_child(prompt), signal.SIGKILL)
    shown = prompt.wait_for(PROMPT)
    checks.true(f"{name}: says so", "mapscope: it died of a signal: Killed" in shown, shown[-300:])
    checks.equal(f"{name}: no child is left", {}, prompt.children())
    checks.true(f"{name}: the next command", ANSWER in prompt.ask(SHORT))


def check_interrupt_remote(checks, debugger, script, name, held, start):
    server = gdb.Server(held.pid, debugger.server)
    prompt = Prompt(debugger, script, [held.executable])
    try:
        prompt.ask("target remote " + server.address, 60)
        check_interrupt(checks, prompt, name)
    finally:
        prompt.close()
        server.close()


def check_machine_interface(checks, debugger, script, name, held, start):
    """Output comes in records of the console's stream, whether typed as CLI or through -interpreter-exec."""
    words = ['-interpreter-exec console "mapscope show main.users"', "mapscope stat main.users", "-data-evaluate-expression $map_count",
             "-gdb-exit"]
    result = process.run([*debugger.arguments(start, script), "-i=mi"], stdin="".join(word + "\n" for word in words),
                         env=debugger.environment)
    odd = [line for line in result.stdout.splitlines() if not RECORD.match(line)]
    checks.equal(f"{name}: every line is a record", [], odd)
    stream = "".join(line[2:-1] for line in result.stdout.splitlines() if line.startswith('~"'))
    checks.true(f"{name}: the answers are in the console's stream", stream.count(ANSWER) >= 1 and "load factor" in stream, stream[-500:])
    checks.true(f"{name}: $map_count", '^done,value="2"' in result.stdout, result.stdout[-300:])


def check_log(checks, debugger, script, name, held, start):
    folder = tempfile.mkdtemp(prefix="mapscope-gdb-")
    try:
        log, piped = os.path.join(folder, "log"), os.path.join(folder, "piped")
        said = debugger.run(start, [SHORT, f"set logging file {log}", "set logging redirect on", "set logging enabled on", "set logging on",
                                    SHORT, "set logging off", f"pipe {SHORT} | cat >{piped}"], script)
        checks.true(f"{name}: there is an answer", ANSWER in said[0], said[0])
        for what, path in (("log", log), ("pipe", piped)):
            with open(path) as file:
                checks.true(f"{name}: {what}", said[0] in file.read())
    finally:
        shutil.rmtree(folder)


def check_short_pipe(checks, debugger, script, name, held, start):
    """Nobody reads more than a line of what is much more than a pipe holds. Once the plug-in is gone GDB is as it was."""
    dispositions = "shell grep -E 'Sig(Ign|Cgt)' /proc/$PPID/status"
    said = debugger.run(start, ["pipe mapscope show main.large --max 100000 | head -n 1", SHORT, "shell grep SigIgn /proc/self/status",
                                "jit-reader-unload", dispositions], script)
    checks.true(f"{name}: the line", str(said[0]).startswith("main.large"), said[0])
    checks.true(f"{name}: GDB goes on", ANSWER in str(said[1]), said[1])
    bare = debugger.run(start, ["shell grep SigIgn /proc/self/status", dispositions])
    checks.equal(f"{name}: what GDB starts is as without", bare[0], said[2])
    checks.equal(f"{name}: GDB is as it was", bare[1], said[4])


def check_twice(checks, debugger, script, name, held, start):
    said = debugger.run(start, [SHORT, f"source {script}", f"source {script}", SHORT], script)
    checks.equal(f"{name}: loading again says nothing", ["", ""], said[1:3])
    checks.equal(f"{name}: and changes nothing", said[0], said[3])


def check_errors(checks, debugger, script, name, held, start):
    said = debugger.run(start, ["mapscope show nosuch", "mapscope show main.root", "mapscope nosuch", "mapscope show", "mapscope trace main.users",
                                "help mapscope", "help mapscope trace", SHORT], script)
    wanted = ["nosuch", "not a map", "nosuch", "MAP|EXPR", "KEY", "mapscope show", "KEY", ANSWER]
    for text, pattern in zip(said, wanted):
        checks.true(f"{name}: {pattern}", re.search(pattern, text), text)
    said = debugger.run([held.executable], [SHORT, "mapscope layout", "echo still here"], script)
    checks.true(f"{name}: without a process", said[0] != "" and ANSWER not in said[0], said[0])
    checks.equal(f"{name}: without a process GDB goes on", "still here", said[2])


def write_script(script, tool, folder):
    """A copy that runs another tool. There are more macros than a pipe holds: where nobody reads them, GDB notices."""
    copy = os.path.join(folder, "mapscope.gdb")
    with open(script) as source, open(copy, "w") as file:
        file.write(re.sub("'[^']*/src/command/mapscope'", f"'{tool}'", source.read()))
        file.writelines(f"macro define USERS_OWN_{i} {'x' * 100}\n" for i in range(1000))
    return copy


def check_missing_tool(checks, debugger, script, name, held, start):
    """The tool that the script names is gone: one line says so, and GDB goes on."""
    with tempfile.TemporaryDirectory(prefix="mapscope-gdb-") as folder:
        said = debugger.run(start, [SHORT, "print 6 * 7", SHORT], write_script(script, "/nowhere/no-such-tool", folder))
    checks.true(f"{name}: says what is missing", "no-such-tool" in str(said[0]), str(said[0]))
    checks.equal(f"{name}: GDB goes on", "$1 = 42\n", said[1])
    checks.equal(f"{name}: the same again", said[0], said[2])


def check_dying_tool(checks, debugger, script, name, held, start):
    """One that reads nothing of what GDB writes to it."""
    with tempfile.TemporaryDirectory(prefix="mapscope-gdb-") as folder:
        tool = os.path.join(folder, "tool")
        with open(tool, "w") as file:
            file.write("#!/bin/sh\nkill -SEGV $$\n")
        os.chmod(tool, 0o755)
        said = debugger.run(start, [SHORT, "print 6 * 7"], write_script(script, tool, folder))
    checks.equal(f"{name}: GDB goes on", "$1 = 42\n", said[1])


def check_runtime_script(checks, debugger, script, name, held, start):
    """Go's own script for GDBs with Python is loaded too."""
    said = debugger.run(["-iex", "set auto-load safe-path /", *start], ["python print(6 * 7)", "info goroutines", SHORT], script)
    if said[0] != "42\n":
        return
    checks.true(f"{name}: it is loaded", "runtime.gopark" in said[1], said[1])
    checks.true(f"{name}: the answer is the same", ANSWER in said[2], said[2])
