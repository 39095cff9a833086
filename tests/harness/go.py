"""Go toolchains, and the zoo built by them: one cached folder for each version and build mode."""
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess

from harness import process

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SYSTEM_DEBUG = "/usr/lib/debug"
BUILD_ID_FLAGS = "-ldflags=-compressdwarf=false -B 0x6d617073636f70652d7a6f6f2d6275696c642d69"
ZOO = os.path.join(ROOT, "testdata", "zoo")
MAP_TYPES = os.path.join(ROOT, "testdata", "maptypes")


class Unavailable(Exception):
    """This version cannot be built in this mode here: the tests of it are skipped, with the reason."""


class Mode:
    """How the zoo is built, and where the tool finds its debug info.

    `first` and `last` are the Go minor versions that know the mode; `machine` is the GOARCH where it is not this one's."""

    def __init__(self, *flags, first=8, last=99, cgo=False, experiment="", finish=None, dwarf=True, surroundings=None, machine=""):
        self.flags = list(flags)
        self.first = first
        self.last = last
        self.cgo = cgo
        self.experiment = experiment
        self.finish = finish
        self.dwarf = dwarf
        self.machine = machine
        self.surroundings = surroundings or (lambda folder: ([], {}))  # what the tool needs: (command prefix, environment)


def minor_of(version):
    return int(re.match(r"\d+", version.split(".")[1]).group())


def _objcopy(*arguments):
    process.must_run(["objcopy", *arguments])


def _split_by_link(folder):
    """The debug info beside the executable, found through .gnu_debuglink."""
    executable, debug = os.path.join(folder, "zoo"), os.path.join(folder, "zoo.debug")
    _objcopy("--only-keep-debug", executable, debug)
    _objcopy("--strip-debug", "--add-gnu-debuglink=" + debug, executable)


def _split_by_build_id(folder):
    """The debug info as a build-id folder and as a debuginfod server have it; the executable has no link to it."""
    executable = os.path.join(folder, "zoo")
    identity = gnu_build_id(executable)
    tree = os.path.join(folder, "debug", ".build-id", identity[:2])
    server = os.path.join(folder, "debuginfod", "buildid", identity)
    os.makedirs(tree)
    os.makedirs(server)
    debug = os.path.join(tree, identity[2:] + ".debug")
    _objcopy("--only-keep-debug", executable, debug)
    shutil.copy(debug, os.path.join(server, "debuginfo"))
    _objcopy("--strip-debug", executable)


def _without_build_info(folder):
    """Nothing but its tables says which Go it is of: no sections, and no build information where there was some (Go >= 1.13)."""
    path = os.path.join(folder, "zoo")
    with open(path, "rb") as file:
        image = bytearray(file.read())
    at = image.find(b"\xff Go buildinf:\x08") if b"\xff Go buildinf:\x08" in image else image.find(b"\xff Go buildinf:")
    if at >= 0:
        image[at:at + 64] = bytes(64)
    image[40:48] = bytes(8)   # e_shoff
    image[60:64] = bytes(4)   # e_shnum, e_shstrndx
    with open(path, "wb") as file:
        file.write(image)


def _with_build_id_folder(folder):
    """A mount namespace in which the folder is the system's /usr/lib/debug."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not os.path.isdir(SYSTEM_DEBUG):
        raise Unavailable(f"needs root, unshare and {SYSTEM_DEBUG}")
    script = f'mount --bind "$0" {SYSTEM_DEBUG} && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, os.path.join(folder, "debug")], {"DEBUGINFOD_URLS": ""}


def _with_debuginfod(folder):
    return [], {"DEBUGINFOD_URLS": "file://" + os.path.join(folder, "debuginfod"),
                "DEBUGINFOD_CACHE_PATH": os.path.join(folder, "debuginfod-cache")}


def gnu_build_id(executable):
    text = process.must_run(["readelf", "-n", executable]).stdout
    for line in text.splitlines():
        if "Build ID:" in line:
            return line.split()[-1]
    return ""


MODES = {
    "plain": Mode(),
    "noopt": Mode("-gcflags=all=-N -l"),
    "pie": Mode("-buildmode=pie", cgo=True),
    "cgo": Mode("-tags=zoocgo", "-ldflags=-linkmode=external", cgo=True),
    "race": Mode("-race", cgo=True),
    "nosymbols": Mode("-ldflags=-s -w=0", first=22),
    "plaindwarf": Mode("-ldflags=-compressdwarf=false", first=11),
    "nodwarf": Mode("-ldflags=-w", dwarf=False),
    "stripped": Mode("-ldflags=-s -w", dwarf=False),
    "unknown": Mode("-ldflags=-s -w", dwarf=False, finish=_without_build_info),
    "strippedpie": Mode("-buildmode=pie", "-ldflags=-s -w", dwarf=False, cgo=True),
    "strippedcgo": Mode("-tags=zoocgo", "-buildmode=pie", "-ldflags=-s -w -linkmode=external", dwarf=False, cgo=True),
    "strippedclassic": Mode("-ldflags=-s -w", first=24, last=25, experiment="noswissmap", dwarf=False),
    "noswissmap": Mode(first=24, last=25, experiment="noswissmap"),
    "debuglink": Mode("-ldflags=-compressdwarf=false", first=11, finish=_split_by_link),
    "buildid": Mode(BUILD_ID_FLAGS, first=11, finish=_split_by_build_id, surroundings=_with_build_id_folder),
    "debuginfod": Mode(BUILD_ID_FLAGS, first=11, finish=_split_by_build_id, surroundings=_with_debuginfod),
}


def toolchain(version):
    """(full version, GOROOT)."""
    root = process.must_run([os.path.join(ROOT, "scripts", "go-toolchain"), version], limit=600).stdout.strip()
    with open(os.path.join(root, "VERSION")) as file:
        return file.readline().strip().removeprefix("go"), root


def cache():
    """The folder of everything that is kept from run to run."""
    return os.environ.get("MAPSCOPE_TEST_CACHE") or os.path.join(ROOT, "build", "fixtures")


def _digest(mode, source=ZOO):
    digest = hashlib.sha1(repr((mode.flags, mode.cgo, mode.experiment, *([mode.machine] if mode.machine else []))).encode())
    for name in sorted(os.listdir(source)):
        with open(os.path.join(source, name), "rb") as file:
            digest.update(name.encode() + b"\0" + file.read())
    return digest.hexdigest()


@contextlib.contextmanager
def making(what):
    """While it lasts, no other process makes the same thing in the cache."""
    os.makedirs(cache(), exist_ok=True)
    with open(os.path.join(cache(), f"{what}.lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build(version, mode_name):
    """Builds where needed; (full version, folder with zoo in it)."""
    mode = MODES[mode_name]
    if not mode.first <= minor_of(version) <= mode.last:
        raise Unavailable(f"go{version} has no mode {mode_name}")
    full, root = toolchain(version)
    with making(full):
        return full, _build_zoo(full, root, mode_name, mode)


def _build_zoo(full, root, mode_name, mode):
    folder = os.path.join(cache(), f"{full}-{mode_name}")
    stamp = os.path.join(folder, "stamp")
    digest = _digest(mode)
    if os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == digest:
                return folder
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    _compile(full, root, mode, folder)
    if mode.finish:
        mode.finish(folder)
    with open(stamp, "w") as file:
        file.write(digest)
    return folder


def build_map_types(version, machine, experiment=""):
    """testdata/maptypes for another machine (GOARCH); the program."""
    return build_program(version, f"maptypes-{machine}-{experiment}", MAP_TYPES, Mode(experiment=experiment), GOARCH=machine)


def build_program(version, name, source, mode, **environment):
    """The program of a folder of Go files. Made anew where its source has changed."""
    full, root = toolchain(version)
    program = os.path.join(cache(), f"{full}-{name}-{_digest(mode, source)[:8]}")
    with making(full):
        if not os.path.exists(program):
            _run_build(full, root, mode, source, program, **environment)
    return program


def _compile(version, root, mode, folder):
    try:
        _run_build(version, root, mode, ZOO, os.path.join(folder, "zoo"))
    except BuildFailed:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _run_build(version, root, mode, source, output, **more):
    environment = {k: v for k, v in os.environ.items() if k not in ("GOPATH", "GOEXPERIMENT", "GOBIN")}
    environment.update(GOROOT=root, GO111MODULE="off", GOENV="off", GOFLAGS="", GOTOOLCHAIN="local",
                       CGO_ENABLED="1" if mode.cgo else "0", GOCACHE=os.path.join(cache(), "go-build"),
                       GOPATH=os.path.join(cache(), "gopath"), **more)
    if mode.experiment:
        environment["GOEXPERIMENT"] = mode.experiment
    if mode.machine:
        environment["GOARCH"] = mode.machine
    flags = list(mode.flags)
    if minor_of(version) < 10:
        flags = [flag.replace("-gcflags=all=", "-gcflags=") for flag in flags]
    if "-race" in flags and minor_of(version) >= 14:
        flags.append("-gcflags=all=-d=checkptr=0")  # the zoo walks foreign memory on purpose
    command = [os.path.join(root, "bin", "go"), "build", *flags, "-o", output]
    result = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, timeout=900)
    if result.returncode != 0:
        raise BuildFailed(f"go{version} {' '.join(flags)}: {result.stderr.strip()[-600:]}")


class BuildFailed(Exception):
    """The zoo does not build: a failed test, not a skipped one."""
