"""testdata/allmaps: thousands of maps in all the places that hold maps, decoys and garbage; built, run, and its truth."""
import json
import os
import shutil

from harness import go, zoo

SOURCE = os.path.join(go.ROOT, "testdata", "allmaps")
NEW = {"1.18": "//go:build go1.18\n// +build go1.18\n\n", "1.19": "//go:build go1.19\n// +build go1.19\n\n"}
HEAD = """package main

import (
	"fmt"
	"net/textproto"
	"net/url"
	"reflect"
	"runtime"
	"time"
	"unsafe"
)

var (
	_ fmt.Stringer
	_ textproto.MIMEHeader
	_ url.Values
)

"""


def read(name):
    with open(os.path.join(SOURCE, name)) as file:
        return file.read()


def kinds(name):
    """[(name, key, elem, the map's type)]"""
    found = []
    for line in read(name).splitlines():
        if line and not line.startswith("#"):
            fields = [field.strip() for field in line.replace("  ", "\t").split("\t") if field.strip()]
            kind, key, elem = fields[:3]
            found.append((kind, key, elem, fields[3] if len(fields) > 3 else f"map[{key}]{elem}"))
    return found


def filled(template, lists):
    text = read(template)
    parts = []
    for kind, key, elem, whole in lists:
        part = text.replace("KIND", kind)
        for word, value in (("KEY", key), ("ELEM", elem), ("MAP", whole)):
            part = part.replace(word, value)
        parts.append(f"// {kind}: {whole}\n\n{part}\n")
    return "".join(parts)


def sources():
    """{file name: text} of what the templates make."""
    old, new = kinds("kinds.txt"), kinds("kinds-generic.txt")
    imports = 'package main\n\nimport (\n\t"net/textproto"\n\t"net/url"\n\t"reflect"\n\t"fmt"\n\t"time"\n\t"unsafe"\n)\n\n' \
              "var (\n\t_ fmt.Stringer\n\t_ textproto.MIMEHeader\n\t_ url.Values\n\t_ time.Time\n\t_ unsafe.Pointer\n)\n\n"
    return {
        "kinds.go": HEAD + filled("kind.template", old),
        "kinds_generic.go": NEW["1.18"] + HEAD + filled("kind.template", new),
        "boxes.go": NEW["1.18"] + imports + filled("generic.template", old + new),
        "pointers.go": NEW["1.19"] + imports.replace('\t"reflect"\n', '\t"sync/atomic"\n') + filled("pointer.template", old + new),
    }


def build(version, mode=None, **environment):
    """Builds where needed; the program's path."""
    folder = os.path.join(go.cache(), f"allmaps-source-{os.getpid()}")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    try:
        for name in os.listdir(SOURCE):
            if name.endswith(".go"):
                shutil.copy(os.path.join(SOURCE, name), folder)
        for name, text in sources().items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        return go.build_program(version, "allmaps", folder, mode or go.Mode(), **environment)
    finally:
        shutil.rmtree(folder)


class Truth:
    """`maps`: {address: what is known of a map that is live}. `garbage`: the same of dead ones. `decoys`: {address: kind}.

    `objects`, `bytes`: of the heap."""

    def __init__(self, path):
        self.maps, self.garbage, self.decoys = {}, {}, {}
        with open(path) as file:
            head = json.loads(file.readline())
            lines = [json.loads(line) for line in file]
        self.go = head["go"]
        self.implementation = head["implementation"]
        self.objects = head["objects"]
        self.bytes = head["bytes"]
        for line in lines:
            if "decoy" in line:
                self.decoys.update((int(address, 16), line["decoy"]) for address in line["addresses"])
            else:
                address = int(line["address"], 16)
                (self.maps if line["state"] == "live" else self.garbage)[address] = line
        for address in set(self.garbage) & (set(self.maps) | set(self.decoys)):
            del self.garbage[address]  # swept, and used again


class AllMaps(zoo.Fixture):
    """A running one and its truth. Its stacks do not shrink: one that the last collection wanted to shrink may do so at any time later, and move its maps."""

    def __init__(self, executable, scale="small", seed=1, wrapper=()):
        super().__init__(executable, lambda folder: [os.path.join(folder, "truth.json"), scale, str(seed)], {"GODEBUG": "gcshrinkstackoff=1"},
                         wrapper=wrapper)

    def _come_up(self):
        super()._come_up()
        self.truth = Truth(os.path.join(self.folder, "truth.json"))
