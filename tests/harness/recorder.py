"""testdata/recorder, built by a Go version: one cached folder for each version and variant."""
import hashlib
import os
import re
import shutil
import subprocess

from harness import go, process

SOURCE = os.path.join(go.ROOT, "testdata", "recorder")

# name: first and last Go minor version, GOEXPERIMENT, GOARCH
VARIANTS = {
    "plain": (8, 99, "", "amd64"),
    "noswissmap": (24, 25, "noswissmap", "amd64"),
    "mapsplitgroup": (27, 27, "mapsplitgroup", "amd64"),
    "386": (8, 99, "", "386"),
}

PROFILES = ("grow", "churn", "waves", "tombstones", "small", "mixed")

# Sizes for make(): none, a bucket, some more, several tables, too large to be true (1.8 and 1.9 panic then).
HINTS = (0, 8, 9, 0, 30, 200, 0, 1000, 20000, 0, None)

HEAD = 'package main\n\nimport (\n\t"fmt"\n\t"reflect"\n\t"unsafe"\n)\n\nvar _ fmt.Stringer\n\n'


def read(name):
    with open(os.path.join(SOURCE, name)) as file:
        return file.read()


def kinds():
    """[(name, key type, elem type, through reflect)]"""
    found = []
    for line in read("kinds.txt").splitlines():
        if line and not line.startswith("#"):
            name, rest = line.split(None, 1)
            slow = rest.rstrip().endswith(" reflect")
            key, elem = rest.removesuffix("reflect").split("   ", 1)
            found.append((name, key.strip(), elem.strip(), slow))
    return found


def write_kinds(folder):
    """The templates, filled in for each kind."""
    files = {"kinds.go": (HEAD, "kind.template"),
             "kinds_clear.go": ("//go:build go1.21\n// +build go1.21\n\npackage main\n\n", "clear.template"),
             "kinds_clear_loop.go": ("//go:build !go1.21\n// +build !go1.21\n\npackage main\n\n", "clear_loop.template")}
    for path, (head, template) in files.items():
        text, template = head, read(template)
        for name, key, elem, slow in kinds():
            text += template.replace("KIND", name).replace("KEY", key).replace("ELEM", elem) + "\n"
            if path == "kinds.go":
                value = f"kind{name}{{slow: true}}" if slow else f"kind{name}{{}}"
                text += f'var {name} = {value}\nvar _ = register("{name}", &{name})\n\n'
        with open(os.path.join(folder, path), "w") as file:
            file.write(text)


def digest(variant):
    result = hashlib.sha1(repr((VARIANTS[variant], HEAD)).encode())
    with open(__file__, "rb") as file:
        result.update(file.read())
    for name in sorted(os.listdir(SOURCE)):
        result.update(name.encode() + b"\0" + read(name).encode())
    return result.hexdigest()


def build(version, variant="plain"):
    """Builds where needed; the program's path."""
    first, last, experiment, architecture = VARIANTS[variant]
    if not first <= go.minor_of(version) <= last:
        raise go.Unavailable(f"go{version} has no {variant}")
    full, root = go.toolchain(version)
    with go.making(full):
        return _build(full, root, variant, experiment, architecture)


def _build(full, root, variant, experiment, architecture):
    folder = os.path.join(go.cache(), f"{full}-recorder-{variant}")
    stamp, program = os.path.join(folder, "stamp"), os.path.join(folder, "recorder")
    if os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == digest(variant):
                return program
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name in os.listdir(SOURCE):
        if name.endswith((".go", ".s")):
            shutil.copy(os.path.join(SOURCE, name), folder)
    write_kinds(folder)
    compile_in(folder, full, root, experiment, architecture)
    with open(stamp, "w") as file:
        file.write(digest(variant))
    return program


def compile_in(folder, full, root, experiment, architecture):
    environment = {k: v for k, v in os.environ.items() if k not in ("GOPATH", "GOEXPERIMENT", "GOBIN")}
    environment.update(GOROOT=root, GO111MODULE="off", GOENV="off", GOFLAGS="", GOTOOLCHAIN="local", CGO_ENABLED="0",
                       GOARCH=architecture, GOCACHE=os.path.join(go.cache(), "go-build"),
                       GOPATH=os.path.join(go.cache(), "gopath"))
    if experiment:
        environment["GOEXPERIMENT"] = experiment
    result = subprocess.run([os.path.join(root, "bin", "go"), "build", "-o", "recorder"], cwd=folder, env=environment,
                            capture_output=True, text=True, timeout=900)
    if result.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        raise go.BuildFailed(f"recorder with go{full}: {result.stderr.strip()[-600:]}")


def hint(number, version, variant, name):
    if name == "int64Int64" and number % 6 == 5:
        return 300000  # 2^16 classic buckets: from there on overflow buckets are counted by chance
    found = HINTS[number % len(HINTS)]
    if found is None:
        found = 0 if go.minor_of(version) < 10 else 2 ** 31 - 1 if variant == "386" else 2 ** 47 + 5
    return found


def sequences(version, variant, operations, profiles=PROFILES, seed=0):
    """Lines for tests/refmap/prove.c: each kind with each of the profiles. `operations`: how many each has, in turn."""
    number = seed
    for name, _, _, _ in kinds():
        for profile in profiles:
            number += 1
            yield f"{name} {number} {operations[number % len(operations)]} {profile} {hint(number, version, variant, name)}"


class Proof:
    """What tests/refmap/prove.c says of these sequences."""

    def __init__(self, build_folder, program, lines, spoil=False, limit=600):
        command = [os.path.join(build_folder, "tests", "refmap", "prove"), *(["--spoil"] if spoil else []), program]
        result = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, errors="replace",
                                timeout=process.patient(limit))
        self.status = result.returncode
        *self.complaints, last = result.stdout.splitlines() or [""]
        counts = re.fullmatch(r"(\d+) sequences, (\d+) operations, (\d+) differences", last)
        if not counts:
            self.complaints += [last, result.stderr[-400:]]
        self.sequences, self.operations, self.differences = (int(n) for n in counts.groups()) if counts else (0, 0, None)
