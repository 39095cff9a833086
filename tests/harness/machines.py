"""Go programs of other machines than amd64: cross-built, run natively (386) or under qemu-user, which writes a core of the guest's
machine where the guest aborts."""
import glob
import os
import shutil
import signal
import subprocess

from harness import go, process, zoo

# GOARCH: the command that runs it. -cpu max: the CPU has AES, and s390x what Go asks for. riscv64 is not here: qemu 7.2 writes no cores of it.
EMULATORS = {
    "386": [],
    "arm": ["qemu-arm", "-cpu", "max"],
    "arm64": ["qemu-aarch64", "-cpu", "max"],
    "loong64": ["qemu-loongarch64"],
    "mips": ["qemu-mips"],
    "mipsle": ["qemu-mipsel"],
    "mips64": ["qemu-mips64"],
    "mips64le": ["qemu-mips64el"],
    "ppc64": ["qemu-ppc64"],
    "ppc64le": ["qemu-ppc64le"],
    "s390x": ["qemu-s390x", "-cpu", "max"],
}
# Go's runtimes before 1.11 do not start under qemu: its clone() wants flags that they do not give. Go 1.19 was the first with loong64.
FIRST = {"386": 8, "loong64": 19}
BIG = 1000  # entries of the zoo's large map


def emulator(machine, version):
    if go.minor_of(version) < FIRST.get(machine, 11):
        raise go.Unavailable(f"go{version} does not run on {machine} here")
    words = EMULATORS[machine]
    if words and not shutil.which(words[0]):
        raise go.Unavailable(f"no {words[0]} here (Debian package qemu-user)")
    return words


def build(version, machine, source, *flags):
    """Software floats on mips*: old runtimes set up the processor for NaNs that qemu's does not have."""
    return go.build_program(version, f"{os.path.basename(source)}-linux-{machine}", source, go.Mode(*flags), GOOS="linux", GOARCH=machine,
                            GOMIPS="softfloat", GOMIPS64="softfloat")


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
        raise zoo.Broken(f"{fixture.executable} ended with {fixture.process.returncode}, cores: {cores}")
    return cores[0]


class Zoo(zoo.Zoo):
    """A zoo with a smaller large map."""

    def __init__(self, executable, words):
        super().__init__(executable, BIG, words)
