"""What live reading does to its target, and targets in unusual places."""
import ctypes
import os
import shutil
import signal
import subprocess
import time

from cases import maps
from harness import compare, process as processes, threads, zoo

LONGEST_PAUSE = 500  # ms; the benchmark measures against 50 ms, on a machine with nothing else to do


def check(checks, tool, label, executable):
    if not checks.wanted(f"{label} process"):
        return
    animal = zoo.Zoo(executable, big=200000)
    try:
        check_pause(checks, tool, f"{label} process pause", animal)
        check_signals(checks, tool, f"{label} process", animal)
        check_writer(checks, tool, f"{label} process writer", animal)
        check_held(checks, tool, f"{label} process held by another tracer", animal)
    finally:
        animal.close()
    check_deleted(checks, tool, f"{label} process with deleted executable", executable)
    check_namespace(checks, tool, f"{label} process in a mount namespace", executable)


def shows_words(checks, tool, name, animal):
    fact = animal.truth.maps["main.words"]
    document = tool.document(checks, name, "show", fact["map"], "-p", str(animal.pid), "--format", "json")
    if document is not None:
        maps.check_entries(checks, name, fact, document["entries"])


def check_pause(checks, tool, name, animal):
    animal.ask("gap")
    time.sleep(0.2)
    animal.ask("gap")
    result = tool.run("show", "main.big", "-p", str(animal.pid), "--format", "json", "--max", "0")
    checks.equal(f"{name}: status", 0, result.status)
    pause = int(animal.ask("gap")) / 1e6
    checks.true(name, pause <= LONGEST_PAUSE, f"{pause:.1f} ms, more than {LONGEST_PAUSE}")


def check_free(checks, name, animal):
    """Nobody traces the target or has left it stopped."""
    held = threads.held(animal.pid)
    checks.equal(f"{name}: no thread is left stopped or traced", {}, held)
    checks.true(f"{name}: the target answers", animal.answers(), "no pong")


def check_signals(checks, tool, name, animal):
    """Whatever ends the tool, at whatever moment, the target goes on."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
        for delay in (0.002, 0.01, 0.02, 0.04, 0.08):
            command = [*tool.command, "show", "main.big", "-p", str(animal.pid), "--format", "json", "--max", "0"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=tool.environment)
            time.sleep(delay)
            workers = processes.children(process.pid)
            process.send_signal(number)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                checks.true(f"{name} {number.name} after {delay} s: the tool ends", False, "still there after 20 s")
            checks.true(f"{name} {number.name} after {delay} s: all of the tool ends", all(map(processes.has_ended, workers)), workers)
            check_free(checks, f"{name} {number.name} after {delay} s", animal)


def check_held(checks, tool, name, animal):
    """Somebody else, such as gdb, traces all threads: the target is read without attaching."""
    for title, requests, said in (("and runs", [threads.PTRACE_SEIZE], ", and it runs"),
                                  ("and stands", [threads.PTRACE_SEIZE, threads.PTRACE_INTERRUPT], "(it stands still)")):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writing, b"y" if trace_all(animal.pid, requests) else b"n")
            time.sleep(60)
            os._exit(0)
        try:
            if os.read(reading, 1) != b"y":
                checks.skip(name, "ptrace is not permitted here")
                return
            check_traced(checks, tool, f"{name} {title}", animal, child, said)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reading)
            os.close(writing)
        check_free(checks, f"{name} {title}", animal)


def trace_all(pid, requests):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    return all(libc.ptrace(request, int(tid), None, None) == 0 for request in requests for tid in os.listdir(f"/proc/{pid}/task"))


def check_traced(checks, tool, name, animal, tracer, said):
    """What is shown is right, the document names the way, and who holds it still does."""
    if "stands" in said:
        checks.true(f"{name}: it stands", processes.reaches_state(animal.pid, "t"), processes.state(animal.pid))
    shows_words(checks, tool, name, animal)
    document = tool.document(checks, name, "stat", "main.words", "-p", str(animal.pid), "--format", "json") or {}
    process = document.get("process", {})
    checks.equal(f"{name}: the way", (animal.pid, "traced", 0, 0, 0), (process.get("pid"), process.get("mode"), process.get("pause_ms"),
                                                                      process.get("stops"), process.get("threads")))
    for options in ([], ["--no-stop"]):
        stat = tool.run("stat", "main.words", "-p", str(animal.pid), *options)
        checks.equal(f"{name}: {options}, status", 0, stat.status)
        checks.true(f"{name}: {options}, told",
                    f"is traced by process {tracer}: it is read without being stopped{' ' * said.startswith('(')}{said}" in stat.stderr, stat.stderr)
    tracers = {found for _, found in threads.of(animal.pid).values()}
    checks.true(f"{name}: it still holds it", tracer in tracers, f"tracers are {tracers}, not {tracer}")


def check_writer(checks, tool, name, animal):
    """A map that is written at full speed: never an entry that the program could not have seen.

    A stop can fall into a write: then status 4, and what was decoded."""
    if not checks.wanted(name):
        return
    checks.equal(f"{name}: starts", "ok", animal.ask("write busy on"))
    answers = 0
    for _ in range(10):
        result = tool.run("show", "main.busy", "-p", str(animal.pid), "--format", "json", "--max", "0")
        checks.true(f"{name}: status", result.status in (0, 4),
                    f"expected 0 or 4, found {result.status}: {result.stderr[-300:]}")
        if result.status != 0:
            continue
        document = compare.parse(result.stdout)
        answers += 1
        torn = [entry for entry in document["entries"] if entry["value"] != 3 * entry["key"]]
        checks.true(f"{name}: entries", len(torn) <= 1, f"{len(torn)} torn of {document['len']}, such as {torn[:2]}")
        checks.equal(f"{name}: as many entries as len", document["len"], len(document["entries"]))
    checks.true(f"{name}: some answers are whole", answers > 0, "all ten ended with status 4")
    checks.equal(f"{name}: stops", "ok", animal.ask("write busy off"))
    checks.true(f"{name}: the target answers", animal.answers(), "no pong")


def check_deleted(checks, tool, name, executable):
    copy = executable + ".deleted"
    shutil.copy(executable, copy)
    try:
        animal = zoo.Zoo(copy, big=1000)
    finally:
        os.remove(copy)
    try:
        shows_words(checks, tool, name, animal)
        check_free(checks, name, animal)
    finally:
        animal.close()


def check_namespace(checks, tool, name, executable):
    """The executable lies where only the target sees it, as in a container."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        checks.skip(name, "needs root and unshare")
        return
    script = 'mkdir inside && mount -t tmpfs none inside && cp "$0" inside/zoo && exec inside/zoo "$@"'
    try:
        animal = zoo.Zoo(executable, big=1000, wrapper=["unshare", "--mount", "sh", "-c", script])
    except zoo.Broken as why:
        checks.skip(name, f"no mount namespaces here: {why}")
        return
    try:
        shows_words(checks, tool, name, animal)
        check_free(checks, name, animal)
    finally:
        animal.close()
