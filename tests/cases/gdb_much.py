"""Much output in GDB: as fast as alone, all of it, through GDB's own streams, and GDB as it was before."""
import os
import re
import tempfile

from harness import gdb, gdbtarget
from harness.terminal import Ended, Terminal

PROMPT = "(gdb) "
MUCH = "mapscope show main.large --max 0"
FEWER = 20000  # entries
CLOCK = "shell date +%s.%N"
LONGEST = 3.0  # s for 1e6 entries, on a busy machine; a script that prints them takes 44
# What a user has set or sees, and what much output is not to change.
STATE = ["frame", "bt", "info display", "info breakpoints", "show max-value-size", "show confirm", "info files", "info line"]
RECORD = re.compile(r'~"((?:[^"\\]|\\.)*)"')
ESCAPED = {"n": "\n", "t": "\t"}


def check(checks, tool, debugger, script, name, held):
    expected = tool.run(*MUCH.split()[1:], "-p", str(held.pid)).stdout
    start = ["-p", str(held.pid)]
    check_state(checks, debugger, script, f"{name} state", start, expected)
    check_streams(checks, debugger, script, f"{name} streams", start, expected)
    check_machine_interface(checks, debugger, script, f"{name} GDB/MI", start, expected)
    check_started(checks, debugger, script, f"{name} run", held.executable)
    check_remote(checks, tool, debugger, script, f"{name} remote", held.executable)
    try:
        check_left(checks, debugger, script, f"{name} q", start)
    except Ended as why:
        checks.true(f"{name} q", False, str(why))


def check_state(checks, debugger, script, name, start, expected):
    """Three times, for the first one brings GDB the symbol file, and the last one is in another frame of another language."""
    before = ["set may-write-memory off", "set breakpoint always-inserted off", "frame function main.hold", "break main.obey", "display total",
              "set max-value-size 1000"]
    commands = [*before, *STATE, CLOCK, MUCH, CLOCK, *STATE, MUCH, *STATE, "frame 0", MUCH, "output $map_count", "output $map_status"]
    said = debugger.run(start, commands, script, limit=300)
    first, second = len(before) + len(STATE), len(before) + 2 * len(STATE) + 3
    states = [said[len(before):first], said[first + 3:second], said[second + 1:second + 1 + len(STATE)]]
    checks.true(f"{name}: there is one", "total" in states[0][2] and "main.obey" in states[0][3] and "1000" in states[0][4], states[0])
    for i, command in enumerate(STATE):
        checks.equal(f"{name}: {command}", [states[0][i]] * 2, [states[1][i], states[2][i]])
    for when, text in (("first", said[first + 1]), ("again", said[second]), ("in frame 0", said[-3])):
        same(checks, f"{name}: {when}", expected, text)
    checks.equal(f"{name}: $map_count, $map_status", ["1000000", "0"], said[-2:])
    took = float(said[first + 2] or "inf") - float(said[first] or 0)
    checks.true(f"{name}: as fast as alone, nearly", took < LONGEST, f"{took:.2f} s")


def same(checks, name, expected, found):
    checks.true(name, expected == found, f"{len(expected)} bytes, found {len(found or '')}: {(found or '')[:300]!r}")


def check_streams(checks, debugger, script, name, start, expected):
    with tempfile.TemporaryDirectory(prefix="mapscope-gdb-") as folder:
        log, piped = os.path.join(folder, "log"), os.path.join(folder, "piped")
        said = debugger.run(start, [f"pipe {MUCH} | cat >{piped}", f"set logging file {log}", "set logging redirect on",
                                    "set logging enabled on", "set logging on", MUCH, "set logging off", f"pipe {MUCH} | head -n 1"], script, limit=300)
        for what, path in (("pipe", piped), ("log", log)):
            with open(path) as file:
                text = file.read()
            # GDB's own words on what it does with the log may be in it
            found = text[text.find(expected[:100]):][:len(expected)]
            same(checks, f"{name}: {what}", expected, found)
        if debugger.has_python():  # which makes GDB ignore the signal that it dies of else, with commands of its own too
            checks.equal(f"{name}: a pipe that closes early", expected.partition("\n")[0] + "\n", said[7])


def check_machine_interface(checks, debugger, script, name, start, expected):
    words = [f'-interpreter-exec console "{MUCH}"', "-data-evaluate-expression $map_count", "-gdb-exit"]
    with tempfile.TemporaryFile("w+") as typed:
        typed.write("".join(word + "\n" for word in words))
        typed.seek(0)
        text = debugger.read([*debugger.arguments(start, script), "-i=mi"], typed, limit=300)
    records = [RECORD.fullmatch(line) for line in text.splitlines() if line.startswith("~")]
    checks.true(f"{name}: whole records", all(records), "a record has no end")
    stream = "".join(re.sub(r"\\(.)", lambda found: ESCAPED.get(found[1], found[1]), record[1]) for record in records if record)
    checks.true(f"{name}: all that there is", expected in stream, f"{len(expected)} bytes, found {len(stream)}: {stream[-300:]!r}")
    checks.true(f"{name}: $map_count", '^done,value="1000000"' in text, text[-300:])


def check_started(checks, debugger, script, name, executable):
    """GDB starts the program, and again: to it the symbol file is as it was. It is needed anew once all are forgotten."""
    run = f"run {FEWER} </dev/null >/dev/null"
    said = debugger.run([executable], ["break main.hold", run, f"pipe {MUCH} | wc -l", run, f"pipe {MUCH} | wc -l", "symbol-file",
                                       f"file {executable}", f"pipe {MUCH} | wc -l", "kill"], script, limit=300)
    for i in (2, 4, 7):
        checks.equal(f"{name}: lines", str(FEWER + 1), (said[i] or "").strip())
    checks.true(f"{name}: no symbol file has changed", "re-reading" not in (said[3] or ""), said[3])


def check_remote(checks, tool, debugger, script, name, executable):
    """With a log of all packets, which makes them slow: none writes to the process."""
    held = gdbtarget.Held(executable, FEWER)
    server = gdb.Server(held.pid, debugger.server)
    try:
        expected = tool.run(*MUCH.split()[1:], "-p", str(held.pid)).stdout
        with tempfile.NamedTemporaryFile("r", prefix="mapscope-gdb-", errors="replace") as packets:
            said = debugger.run([executable], [f"set remotelogfile {packets.name}", "target remote " + server.address, MUCH, MUCH,
                                                    "set remotelogfile", "detach"], script, limit=300)
            written = [line[:60] for line in packets if re.match(r"w \$[MXGP]", line)]
            packets.seek(0)
            checks.true(f"{name}: there are packets", packets.read(1) != "")
    finally:
        server.close()
        held.close()
    for when, text in (("first", said[2]), ("again", said[3])):
        same(checks, f"{name}: {when}", expected, text)
    checks.equal(f"{name}: nothing is written to the process", [], written)


def check_left(checks, debugger, script, name, start):
    """After q at the pager what comes next is whole, and nothing of the text stays in GDB's memory."""
    prompt = Terminal(debugger.arguments(start, script), debugger.environment)
    try:
        prompt.wait_for(PROMPT, 60)
        for command in ("set height 10", "set pagination on", MUCH):
            prompt.type(command + "\n")
        prompt.wait_for("--Type <RET> for more")
        prompt.type("q\n")
        prompt.wait_for(PROMPT)
        prompt.type("set pagination off\n")
        prompt.wait_for(PROMPT)
        prompt.type(f"pipe {MUCH} | wc -l\n")
        checks.true(f"{name}: the next is whole", "1000001" in prompt.wait_for("1000001", 30))
        prompt.wait_for(PROMPT)
        used = pages_of_window(prompt.pid)
        checks.true(f"{name}: memory is given back", used < 4 << 20, f"{used} bytes")
    finally:
        prompt.close()


def pages_of_window(pid):
    """Bytes that the plug-in's files in memory take."""
    total = 0
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            if "memfd:mapscope" in os.readlink(entry.path):
                total += os.stat(entry.path).st_blocks * 512
        except OSError:
            continue
    return total
