"""--snapshot and --pause-budget: they show what a stop shows, and leave the target as it was."""
import os
import signal
import subprocess
import sys
import time

from cases import processes
from harness import cgroups, compare, hammer, process, soak, terminal, threads, zoo

# What a target that stands still shows the same of in any way.
SAME = [["list"], ["list", "-g"], ["show", "main.words", "--format", "json"], ["show", "main.big", "--format", "json", "--max", "0"],
        ["stat", "main.words", "--format", "json"], ["dump", "main.words"], ["dump", "main.words", "--memory"], ["verify"],
        ["verify", "main.big", "--pause-budget", "60000"], ["who", "main.words"], ["races"], ["list", "--all", "--format", "ndjson"], ["top", "--max", "0"]]

# How often check_soak() attaches; twice where nothing is said.
SAMPLE = {"under_load": 5, "killed": 8}
LOOKS = 6
SOAKED = ("1.23", "1.26")
X86_64 = 62  # elf.h, EM_X86_64


def makes_snapshots(tool, executable):
    """Only for programs of x86-64, by a mapscope for it."""
    machines = []
    for path in (tool.path, executable):
        with open(path, "rb") as file:
            machines.append(int.from_bytes(file.read(20)[18:], "little"))
    return machines == [X86_64, X86_64]


def check(checks, tool, label, executable):
    if not checks.wanted(f"{label} pause"):
        return
    animal = zoo.Zoo(executable, big=100000)
    try:
        snapshots = makes_snapshots(tool, executable)
        if snapshots:  # first: once its gaps have been asked for the process ticks, and allocates (Go 1.8)
            check_same(checks, tool, f"{label} pause snapshot", animal)
        check_budget(checks, tool, f"{label} pause budget", animal)
        check_interrupted(checks, tool, f"{label} pause of one who is interrupted", animal, [])
        if not snapshots:
            check_refused(checks, f"{label} pause snapshot", tool.run("list", "-p", str(animal.pid), "--snapshot"), "x86-64", "--no-stop")
            return
        check_named(checks, tool, f"{label} pause named", animal)
        check_held(checks, tool, f"{label} pause snapshot held", animal)
        check_frozen(checks, tool, f"{label} pause snapshot of what is stopped", animal)
        check_killed(checks, tool, f"{label} pause snapshot killed", animal)
        check_cleared(checks, tool, f"{label} pause snapshot of one who is killed", animal)
        check_interrupted(checks, tool, f"{label} pause snapshot of one who is interrupted", animal, ["--snapshot"])
    finally:
        animal.close()
    check_seccomp(checks, tool, f"{label} pause snapshot seccomp", executable)
    for controller, more in (("memory", 1 << 20), ("pids", 3)):
        check_cramped(checks, tool, f"{label} pause snapshot in a small cgroup of {controller}", executable, controller, more)
    check_dead(checks, tool, f"{label} pause snapshot of what is killed", executable)


def check_left(checks, name, animal):
    processes.check_free(checks, name, animal)
    checks.equal(f"{name}: no child is left", {}, threads.children(animal.pid))


def check_same(checks, tool, name, animal):
    for words in SAME:
        stopped = tool.run(*words, "-p", str(animal.pid))
        snapshot = tool.run(*words, "-p", str(animal.pid), "--snapshot", "--stats")
        title = f"{name} {' '.join(words)}"
        checks.equal(f"{title}: status", stopped.status, snapshot.status)
        checks.equal(title, without_process(words, stopped.stdout), without_process(words, snapshot.stdout))
        checks.true(f"{title}: one snapshot is told of", ", 1 snapshot)," in snapshot.stderr, snapshot.stderr[-300:])
    check_left(checks, name, animal)


def without_process(words, printed):
    """What is shown, without how it was looked at."""
    if "json" not in words:
        return printed
    document = compare.parse(printed)
    document.pop("process", None)
    return document


NAMED = [["show", "main.words"], ["show", "main.big", "--buffer", "4K"], ["stat", "main.words"], ["dump", "main.words"], ["trace", "main.words", '"a"'],
         ["verify", "main.words"], ["who", "main.words"], ["list", "-g"], ["list", "--all"], ["top"], ["races"]]
# The way, what mapscope is asked for, and whether all threads stand for it.
WAYS = [("stopped", [], True), ("snapshot", ["--snapshot"], True), ("unstopped", ["--no-stop"], False)]


def check_named(checks, tool, name, animal):
    """Each document says how the process was looked at, and how long it stood; of a core there is nothing to say."""
    for words in NAMED:
        for mode, options, stands in WAYS:
            if words in (["list", "-g"], ["races"]) and not stands:
                continue  # registers are not to be had
            title = f"{name}: {words[0]}, {mode}"
            document = tool.document(checks, title, *words, *options, "-p", str(animal.pid), "--format", "json") or {}
            process = document.get("process", {})
            checks.equal(title, (animal.pid, mode, stands, stands, mode == "snapshot"),
                         (process.get("pid"), process.get("mode"), process.get("pause_ms", -1) > 0, process.get("stops", -1) > 0,
                          process.get("reap_ms", -1) > 0))
            checks.true(f"{title}: the pause is one", 0 <= process.get("pause_ms", -1) < 60000, process)
        check_left(checks, f"{name}: {words[0]}", animal)
    lines = tool.document(checks, f"{name}: a line", "stat", "main.words", "-p", str(animal.pid), "--format", "ndjson", lines=True)
    checks.equal(f"{name}: a line", ["stopped"], [line.get("process", {}).get("mode") for line in lines or []])
    check_told(checks, tool, f"{name}: on a terminal", animal)


def check_told(checks, tool, name, animal):
    """People see it without asking for it; a file does not get it."""
    for options, told in (([], "the process stood for "), (["--no-stop"], "the process was not stopped")):
        command = ["show", "main.words", "-p", str(animal.pid), *options]
        seen = terminal.run([*tool.command, *command], tool.environment)
        checks.true(f"{name}: {options}", seen.count(told) == 1, seen[-300:])
        checks.equal(f"{name}: {options}: not elsewhere", "", tool.run(*command).stderr)


def check_refused(checks, name, result, *words):
    checks.equal(f"{name}: status", 3, result.status)
    checks.equal(f"{name}: nothing is shown", "", result.stdout)
    checks.true(name, all(word in result.stderr for word in words), f"{words} are not in {result.stderr!r}")


def check_held(checks, tool, name, animal):
    holder = subprocess.Popen([sys.executable, "-c", "import ctypes, sys, time\n"
                               f"good = ctypes.CDLL(None).ptrace({threads.PTRACE_SEIZE}, {animal.pid}, None, None) == 0\n"
                               "print(good, flush=True)\ntime.sleep(60)"], stdout=subprocess.PIPE, text=True)
    try:
        checks.equal(f"{name}: there is a tracer", "True\n", holder.stdout.readline())
        check_refused(checks, name, tool.run("list", "-p", str(animal.pid), "--snapshot"), f"process {holder.pid} traces it", "hint: without --snapshot")
    finally:
        holder.kill()
        holder.communicate()
    check_left(checks, name, animal)


def check_frozen(checks, tool, name, animal):
    """SIGSTOP: it stays stopped, also where a thread of it did work for us, and where a signal waits for it to go on."""
    os.kill(animal.pid, signal.SIGSTOP)
    checks.equal(f"{name}: it is", {"T"}, threads.settled_states(animal.pid))
    os.kill(animal.pid, signal.SIGCHLD)
    for _ in range(5):
        checks.equal(f"{name}: status", 0, tool.run("list", "-p", str(animal.pid), "--snapshot").status)
        checks.equal(f"{name}: it stays so", {"T"}, threads.settled_states(animal.pid))
    os.kill(animal.pid, signal.SIGCONT)
    check_left(checks, name, animal)


def check_killed(checks, tool, name, animal):
    """Whatever ends the tool, nothing of it lives on; what SIGKILL leaves dead, the next one takes away."""
    for number in (signal.SIGTERM, signal.SIGSEGV, signal.SIGKILL):
        for delay in (0.005, 0.01, 0.015, 0.02, 0.03, 0.05):
            process = subprocess.Popen([*tool.command, "verify", "main.big", "-p", str(animal.pid), "--snapshot"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=tool.environment)
            time.sleep(delay)
            process.send_signal(number)
            process.wait(60)
            checks.equal(f"{name} {number.name} after {delay} s: no child lives", {}, threads.settled_children(animal.pid))
            processes.check_free(checks, f"{name} {number.name} after {delay} s", animal)
    checks.equal(f"{name}: status after all", 0, tool.run("list", "-p", str(animal.pid), "--snapshot").status)
    check_left(checks, f"{name}, and then not", animal)


def check_cleared(checks, tool, name, animal):
    """SIGKILL of either of its two processes: the other one reaps the snapshot."""
    for delay in (0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.08):
        for victim in ("tool", "reader"):
            check_cleared_by_other(checks, tool, f"{name}: {victim}, after {delay} s", animal, victim, lambda _: time.sleep(delay))
    # Who waits for a full pipe, or is stopped, has a snapshot for certain.
    for victim in ("tool", "reader"):
        check_cleared_by_other(checks, tool, f"{name}: {victim}, that waits", animal, victim, lambda reader: await_snapshot(checks, name, animal, reader))
    check_cleared_by_other(checks, tool, f"{name}: tool, that is stopped", animal, "tool",
                           lambda reader: (await_snapshot(checks, name, animal, reader), os.kill(reader, signal.SIGSTOP),
                                           checks.true(f"{name}: it is stopped", process.reaches_state(reader, "T"), process.state(reader))))


def await_snapshot(checks, name, animal, reader):
    end = time.monotonic() + process.patient(20)
    while set(threads.children(animal.pid).values()) != {"t"} and time.monotonic() < end:
        time.sleep(0.002)
    checks.equal(f"{name}: there is one", ["t"], list(threads.children(animal.pid).values()))


def check_cleared_by_other(checks, tool, name, animal, victim, wait):
    with subprocess.Popen([*tool.command, "show", "main.big", "-p", str(animal.pid), "--max", "0", "--buffer", "4K", "--snapshot"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=tool.environment) as supervisor:
        while not (readers := process.children(supervisor.pid)) and supervisor.poll() is None:
            time.sleep(0.001)
        wait(readers[0])
        began = time.monotonic()
        os.kill(supervisor.pid if victim == "tool" else readers[0], signal.SIGKILL)
        supervisor.wait(60)
        checks.true(f"{name}: all of it ends", process.has_ended(readers[0]), process.state(readers[0]))
        checks.true(f"{name}: by itself", time.monotonic() - began < process.patient(4), f"after {time.monotonic() - began:.1f} s")
        checks.equal(f"{name}: no child is left, dead or alive", {}, threads.children(animal.pid))
    processes.check_free(checks, name, animal)


def check_interrupted(checks, tool, name, animal, options):
    """One signal ends it soon, also where nobody takes what it prints: be it asked before it waits for that, or while it does."""
    for delay in (0.004, 0.006, 0.008, 0.01, 0.012, 0.014, 0.016, 0.018, 0.02, 0.1):
        title = f"{name}, after {delay} s"
        with subprocess.Popen([*tool.command, "show", "main.big", "-p", str(animal.pid), "--max", "0", "--buffer", "4K", *options],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=tool.environment) as supervisor:
            time.sleep(delay)
            began = time.monotonic()
            supervisor.terminate()
            checks.equal(f"{title}: dies of it", -signal.SIGTERM, supervisor.wait(60))
            checks.true(f"{title}: soon", time.monotonic() - began < process.patient(2), f"after {time.monotonic() - began:.1f} s")
            errors = supervisor.stderr.read()
            checks.true(f"{title}: without an error", b"Interrupted" not in errors, errors)
        processes.check_free(checks, title, animal)
        checks.equal(f"{title}: no child is left, dead or alive", {}, threads.children(animal.pid))


def check_budget(checks, tool, name, animal):
    target = ["-p", str(animal.pid), "--pause-budget"]
    small = ["--buffer", "4K"]  # read while it stands
    result = tool.run("show", "main.big", "--max", "0", "--format", "json", *small, *target, "1")
    checks.equal(f"{name} spent: status", 3, result.status)
    checks.true(f"{name} spent", "--pause-budget" in result.stderr, result.stderr[-300:])
    for budget in ("1", "3", "10"):  # wherever it is in the map by then
        result = tool.run("verify", "main.big", "--format", "json", *small, *target, budget)
        wrong = [check for check in compare.parse(result.stdout)["checks"] if not check["ok"]] if result.stdout else []
        checks.true(f"{name} of {budget} ms, verify: a map that was not read to its end is not wrong", result.status in (0, 3) and not wrong, wrong[:2])
    check_left(checks, f"{name} spent", animal)
    for words in (["top"], ["verify"], ["show", "main.big"]):
        result = tool.run(*words, *target, "60000")
        checks.equal(f"{name} of a minute, {words[0]}: status", 0, result.status)
    check_left(checks, f"{name} of a minute", animal)
    check_bound(checks, tool, f"{name} is kept", animal)


def check_bound(checks, tool, name, animal):
    """Beyond the budget it stands as long as letting go takes. The machine may do something else meanwhile, of three one is without that."""
    for budget in (1, 5):
        gaps = []
        for _ in range(3):
            animal.ask("gap")
            result = tool.run("show", "main.big", "--max", "0", "--buffer", "4K", "-p", str(animal.pid), "--pause-budget", str(budget))
            gaps.append(int(animal.ask("gap")) / 1e6)
            checks.equal(f"{name}, {budget} ms: status", 3, result.status)
        checks.true(f"{name}, {budget} ms", min(gaps) < process.patient(budget + 40), f"it stood for {gaps} ms")


def check_seccomp(checks, tool, name, executable):
    animal = zoo.Zoo(executable, big=1000, wrapper=[sys.executable, "-c", threads.SECCOMP])
    try:
        check_refused(checks, name, tool.run("list", "-p", str(animal.pid), "--snapshot"), "seccomp", "--no-stop")
        checks.equal(f"{name}: stopped, status", 0, tool.run("list", "-p", str(animal.pid)).status)
        check_left(checks, name, animal)
    finally:
        animal.close()


def check_cramped(checks, tool, name, executable, controller, more):
    """Where the fork could cost the process its life, or a thread of it, there is none."""
    try:
        cgroup = cgroups.Cgroup(controller)
    except cgroups.Unavailable as why:
        checks.skip(name, str(why))
        return
    animal = zoo.Zoo(executable, big=100000, wrapper=cgroup.wrapper)
    command = ["list", "-p", str(animal.pid)]
    try:
        checks.equal(f"{name}: there is room, status", 0, tool.run(*command, "--snapshot").status)
        cgroup.leave(more)
        check_refused(checks, f"{name}: there is none", tool.run(*command, "--snapshot"), "its cgroup has", "--no-stop")
        checks.equal(f"{name}: stopped, status", 0, tool.run(*command).status)
        check_left(checks, name, animal)
    finally:
        animal.close()
        cgroup.close()


def check_dead(checks, tool, name, executable):
    """A process that is killed while it is forked ends at once; mapscope does not keep its remains."""
    statuses = set()
    for delay in range(4, 28, 3):
        animal = zoo.Zoo(executable, big=100000)
        try:
            reader = subprocess.Popen([*tool.command, "list", "-p", str(animal.pid), "--snapshot"], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE, text=True, env=tool.environment)
            time.sleep(delay / 1000)
            animal.process.kill()
            began = time.monotonic()
            animal.process.wait(60)
            _, errors = reader.communicate(timeout=60)
            checks.true(f"{name} after {delay} ms: soon", time.monotonic() - began < 10, f"{time.monotonic() - began:.1f} s")
            checks.true(f"{name} after {delay} ms: status", reader.returncode in (0, 3, 4), f"{reader.returncode}: {errors[-300:]}")
            statuses.add(reader.returncode)
        finally:
            animal.close()
    checks.true(f"{name}: some were too late", statuses - {0}, "all looked at it in time")
    check_dead_while_held(checks, tool, f"{name} while it stands", executable)


def check_dead_while_held(checks, tool, name, executable):
    """Who reads waits for a full pipe meanwhile."""
    animal = zoo.Zoo(executable, big=100000)
    try:
        with subprocess.Popen([*tool.command, "show", "main.big", "-p", str(animal.pid), "--max", "0", "--buffer", "4K"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=tool.environment) as reader:
            checks.true(f"{name}: it stands", process.reaches_state(animal.pid, "t"), process.state(animal.pid))
            checks.true(f"{name}: the pipe is full", process.fills(reader.stdout), "not after 20 s")
            animal.process.kill()
            try:
                animal.process.wait(20)
                ended = True
            except subprocess.TimeoutExpired:
                ended = False
            checks.true(f"{name}: it ends before who reads does", ended and reader.poll() is None, f"{ended}, {reader.poll()}")
            reader.stdout.close()
    finally:
        animal.close()


def check_soak(checks, tool, version):
    """A sample of scripts/soak, of each of its scenarios and modes."""
    if version not in SOAKED or not checks.wanted(f"{version} soak"):
        return
    told = []
    run = soak.Soak(tool, soak.build(version), told.append)
    for scenario, _ in soak.SCENARIOS:
        needs_root = scenario in ("namespaces", "own", "foreign")
        for mode in soak.MODES:
            if mode == "snapshot" and not makes_snapshots(tool, run.executable):
                continue
            if needs_root and os.geteuid() != 0:
                checks.skip(f"{version} soak {scenario} {mode}", "needs root")
                continue
            wrong = run.wrong
            run.run(scenario, mode, SAMPLE.get(scenario, 2))
            checks.true(f"{version} soak {scenario} {mode}", run.wrong == wrong, told[-1])


def check_hammer(checks, tool, version):
    """A sample of scripts/hammer."""
    if version not in SOAKED or not checks.wanted(f"{version} hammer"):
        return
    target = hammer.Hammer(version)
    sound = 0
    for name in hammer.MAPS:
        figures = target.look(tool, name, LOOKS)
        checks.equal(f"{version} hammer {name}: what is shown as sound is", [], figures.wrong)
        checks.equal(f"{version} hammer {name}: looks", LOOKS, figures.sound + figures.marked)
        sound += figures.sound
    checks.true(f"{version} hammer: some looks are sound", sound > 0, "all are marked")
    target.end()
