"""Cores of a zoo: the kernel's and gdb's, whole and cut short."""
import os
import shutil
import subprocess

from cases import corrupt, maps, trace, verify


def check_gdb(checks, tool, label, zoo):
    if not shutil.which("gcore"):
        checks.skip(f"{label} gcore", "no gcore here (Debian package gdb)")
        return
    core = zoo.gdb_core()
    checks.true(f"{label} gcore: the target answers", zoo.answers(), "no pong")
    maps.check_all(checks, tool, f"{label} gcore", ["-c", core], zoo.truth, inside=False)
    trace.check(checks, tool, f"{label} gcore", ["-c", core], zoo.truth, inside=False)
    verify.check_all(checks, tool, f"{label} gcore", ["-c", core], zoo.truth)
    os.remove(core)


def check_kernel(checks, tool, label, zoo):
    """The last of a zoo: it dies for it."""
    core = zoo.kernel_core()
    if core is None:
        checks.skip(f"{label} core", "core_pattern does not make a file in the working directory")
        return
    target = ["-c", core, "-e", zoo.executable]
    maps.check_all(checks, tool, f"{label} core", target, zoo.truth, inside=False)
    check_found_executable(checks, tool, f"{label} core without -e", core, zoo)
    check_truncated(checks, tool, f"{label} truncated core", core, zoo)
    trace.check(checks, tool, f"{label} core", target, zoo.truth, inside=False)
    verify.check_all(checks, tool, f"{label} core", target, zoo.truth)
    verify.check_corrupt(checks, tool, label, core, zoo.executable, zoo.truth)
    corrupt.check(checks, tool, f"{label} corrupt", core, zoo.executable, zoo.truth)
    os.remove(core)


def check_found_executable(checks, tool, name, core, zoo):
    """EXE is found from the core's own file notes."""
    if not checks.wanted(name):
        return
    fact = zoo.truth.maps["main.words"]
    document = tool.document(checks, name, "show", fact["map"], "-c", core, "--format", "json")
    if document is not None:
        maps.check_entries(checks, name, fact, document["entries"])


def check_truncated(checks, tool, name, core, zoo):
    """Every length ends in an answer or an error, never in a signal; the complaint is not silent."""
    if not checks.wanted(name):
        return
    size = os.path.getsize(core)
    cut = os.path.join(os.path.dirname(core), "cut")
    lengths = sorted({0, 1, 63, 64, 100, 1000, 4096, 8192, 65536, *(size * part // 16 for part in range(1, 16))}, reverse=True)
    subprocess.run(["cp", "--reflink=auto", core, cut], check=True)
    for length in lengths:
        os.truncate(cut, length)
        for command in ("show", "stat", "dump"):
            result = tool.run(command, "main.nestedMaps", "-c", cut, "-e", zoo.executable, "--format", "json", limit=30)
            checks.true(f"{name} to {length} of {size} {command}", result.status in (0, 3, 4) and not result.timed_out,
                        f"expected status 0, 3 or 4, found {result.status}: {result.stderr[-300:]}")
            checks.true(f"{name} to {length} of {size} {command}: says why", result.status == 0 or result.stderr != "",
                        f"status {result.status} without a word")
    os.remove(cut)
