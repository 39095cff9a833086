"""Stacks as the collector sees them: what a walk reaches is what the next collection of the program leaves. testdata/stackmaps stands
still meanwhile; tests/unit/live_objects prints what is in the heap and what of it a walk reached."""
import os
import shutil
import subprocess

from harness import go, process, zoo

SOURCE = os.path.join(go.ROOT, "testdata", "stackmaps")
# Objects that a walk reaches and the collector does not: registers and system stacks of threads have no maps, and the
# main goroutine stands elsewhere when it collects. Without maps of stacks there are hundreds.
KEPT = 8
MOMENTS = 8
TINY = 16  # bytes of a block that the allocator puts small things without pointers into


def check(checks, build, version, targets):
    label = f"{version} stack maps"
    if not checks.wanted(label):
        return
    executable = go.build_program(version, "stackmaps", SOURCE, go.Mode())
    target = zoo.Fixture(executable, lambda folder: [])
    program = os.path.join(build, "tests", "unit", "live_objects")
    look = look_live if "live" in targets else look_core
    try:
        if "gcore" in targets and shutil.which("gcore"):
            before = look_core(checks, f"{label} gcore", program, target)
            compare(checks, f"{label} gcore", before, after_collection(checks, label, program, target, look))
            target.close()
            target = zoo.Fixture(executable, lambda folder: [])
        if "live" in targets:
            before = look_live(checks, f"{label} live", program, target)
            compare(checks, f"{label} live", before, after_collection(checks, label, program, target, look))
            check_spinning(checks, f"{label} spinning", program, target)
            checks.true(f"{label}: the target answers", target.answers(), "no pong")
    finally:
        target.close()


def check_spinning(checks, name, program, target):
    """What goroutines hold that are stopped anywhere, or preempted anywhere."""
    held = [int(word, 16) for word in target.ask("spin").split()[1:]]
    checks.true(f"{name}: there are objects", len(held) > 10, str(held))
    for moment in range(MOMENTS):
        found = look_live(checks, f"{name} {moment}", program, target)
        missed = [address for address in held if not found.get(address, (0, False))[1]]
        checks.true(f"{name} {moment}: all are reached", not missed, hexes(missed))


def objects(checks, name, command):
    """{address: (bytes, reached, sum of what is in it)} of all allocated ones; None where that failed."""
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=process.patient(120))
    checks.true(f"{name}: the program that lists them", run.returncode == 0, f"{run.returncode}: {run.stderr}")
    checks.equal(f"{name}: findings", "", run.stderr)
    found = {}
    for line in run.stdout.splitlines():
        address, size, reached, content = line.split()
        found[int(address, 16)] = (int(size), reached == "1", content)
    return found


def look_live(checks, name, program, target):
    return objects(checks, name, [program, "-p", str(target.pid)])


def look_core(checks, name, program, target):
    core = target.gdb_core()
    try:
        return objects(checks, name, [program, core, target.executable])
    finally:
        os.remove(core)


def after_collection(checks, label, program, target, look):
    checks.equal(f"{label}: collects", "collected", target.ask("collect"))
    return look(checks, f"{label} collected", program, target)


def compare(checks, name, before, after):
    left = {address for address in before if address in after}
    reached = {address for address, (_, is_reached, _) in before.items() if is_reached}
    freed = len(before) - len(left)
    # what was freed may be another object by now; blocks that are being filled are kept, one a processor (gcMarkTinyAllocs)
    missed = sorted(address for address in left - reached if before[address][2] == after[address][2])
    tiny = [address for address in missed if before[address][0] == TINY]
    if len(tiny) <= os.cpu_count():
        missed = sorted(set(missed) - set(tiny))
    kept = sorted(reached - left)
    checks.note(f"{name}: {len(before)} objects, {len(left)} left by the collector, {freed} freed; {len(missed)} missed,"
                f" {len(kept)} dead ones reached")
    checks.true(f"{name}: there is garbage", freed > 100, f"{freed} objects are freed")
    checks.true(f"{name}: all that the collector leaves is reached", not missed, f"{len(missed)} are not: {hexes(missed)}")
    checks.true(f"{name}: nothing else is", len(kept) <= KEPT, f"{len(kept)} are: {hexes(kept)}")


def hexes(addresses):
    return " ".join(hex(address) for address in addresses[:5])
