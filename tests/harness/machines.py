"""Go programs of other machines than amd64: cross-built, run natively (386) or under qemu-user, which writes a core of the guest's
machine where the guest aborts."""
import functools
import glob
import os
import re
import shutil
import signal
import subprocess

from harness import go, process, suites, zoo

# GOARCH: the command that runs it. -cpu max: the CPU has AES, and s390x what Go asks for. Go 1.27 reads what epoll says from odd addresses (runtime,
# netpoll_epoll.go), which on MIPS Linux mends and qemu does not: there it is to be a CPU that can.
EMULATORS = {
    "386": [],
    "arm": ["qemu-arm", "-cpu", "max"],
    "arm64": ["qemu-aarch64", "-cpu", "max"],
    "loong64": ["qemu-loongarch64"],
    "mips": ["qemu-mips"],
    "mipsle": ["qemu-mipsel"],
    "mips64": ["qemu-mips64", "-cpu", "Loongson-3A4000"],
    "mips64le": ["qemu-mips64el", "-cpu", "Loongson-3A4000"],
    "ppc64": ["qemu-ppc64"],
    "ppc64le": ["qemu-ppc64le"],
    "riscv64": ["qemu-riscv64"],
    "s390x": ["qemu-s390x", "-cpu", "max"],
}
# The qemu that writes sound cores: 7.2 writes none of riscv64, and under it each second program of loong64 dies of a wrong address when it is to
# print its goroutines' frames.
CORES_SINCE = {"loong64": (11, 1), "riscv64": (11, 1)}
# Go's runtimes before 1.11 do not start under qemu: its clone() wants flags that they do not give. Go 1.14 was the first with riscv64, 1.19 with loong64.
FIRST = {"386": 8, "riscv64": 14, "loong64": 19}
# Of mips*: old runtimes set up the processor for NaNs that qemu's does not have.
FLOATS = {"GOMIPS": "softfloat", "GOMIPS64": "softfloat"}
BIG = 1000  # entries of the zoo's large map


def emulator(machine, version):
    if go.minor_of(version) < FIRST.get(machine, 11):
        raise go.Unavailable(f"go{version} does not run on {machine} here")
    words = EMULATORS[machine]
    if machine in CORES_SINCE:
        return [_qemu_since(words[0], CORES_SINCE[machine]), *words[1:]]
    if words and not shutil.which(words[0]):
        raise go.Unavailable(f"no {words[0]} here (Debian package qemu-user)")
    return words


@functools.lru_cache
def _qemu_since(name, version):
    """The installed one, or Debian unstable's, which is one file."""
    installed = shutil.which(name)
    if installed and _version_of(installed) >= version:
        return name
    newer = os.path.join(suites.unpacked("sid", "qemu-user"), "usr", "bin", name)
    if _version_of(newer) < version:
        raise go.Unavailable(f"{name} is too old here, and in Debian unstable, to write cores")
    return newer


def _version_of(qemu):
    text = process.must_run([qemu, "--version"]).stdout
    return tuple(map(int, re.search(r"version (\d+)\.(\d+)", text).groups()))


def build(version, machine, source, *flags):
    return go.build_program(version, f"{os.path.basename(source)}-linux-{machine}", source, go.Mode(*flags), GOOS="linux", GOARCH=machine, **FLOATS)


def core_of(fixture, words):
    """The core of a program that runs under `words`, of an emulator: qemu's; natively the kernel's, None where that comes as no file. The
    program has died then."""
    if not words:
        return fixture.kernel_core()
    fixture.ask("crash", limit=0)
    try:
        fixture.process.wait(process.patient(120))
    except subprocess.TimeoutExpired:
        raise zoo.Broken(f"{fixture.executable} was told to crash and is still there") from None
    cores = glob.glob(os.path.join(fixture.folder, "qemu_*.core"))
    if fixture.process.returncode != -signal.SIGABRT or not cores:
        raise zoo.Broken(f"{fixture.executable} ended with {fixture.process.returncode}, cores: {cores}: {fixture.errors()}")
    return cores[0]


class Zoo(zoo.Zoo):
    """A zoo with a smaller large map."""

    def __init__(self, executable, words):
        super().__init__(executable, BIG, words)
