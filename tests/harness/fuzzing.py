"""Fixtures of the fuzz targets that damage a real program: testdata/fuzzed and a core of it, of any Go version."""
import os
import re
import shutil

from harness import go, process, zoo

SOURCE = os.path.join(go.ROOT, "testdata", "fuzzed")
FIRST_MINOR = 9  # sync.Map
# What tests/fuzz/damage.h runs: the number of a line is the first byte of an input, so new ones go to the end.
COMMANDS = """show main.words --format json
show main.nested --format text
show main.any --format json
show main.wides --format ndjson
show main.points --format text
show main.tree.inner --format json
show main.cache --format json
list --format json
list --goroutines --format text
list --all --format ndjson
top --format json
top --by type --garbage --format text
stat main.words --format json
stat main.cache --format json
dump main.any --format text
dump main.words --memory --format json
dump main.cache --format text
trace main.words "keyb" --format text
trace main.any 1 --format json
verify --format json
races --format json
show main.keep[3] --format text
layout --format json
who ADDRESS --format json
layout --format c
"""


def fixture(tool, version, folder):
    """Makes the folder: exe, core, commands. `tool` is mapscope's path."""
    mode = go.Mode(*(["-ldflags=-compressdwarf=false"] if go.minor_of(version) >= 11 else []))
    if go.minor_of(version) < FIRST_MINOR:
        raise go.Unavailable(f"go{version} has no sync.Map")
    program = go.build_program(version, "fuzzed", SOURCE, mode)
    os.makedirs(folder, exist_ok=True)
    exe = os.path.join(folder, "exe")
    shutil.copy(program, exe)
    running = zoo.Fixture(exe, lambda _: [], {"GOMAXPROCS": "1", "GOGC": "off"})
    try:
        core = running.kernel_core()  # gdb's has all reserved memory in it, more than a gigabyte of zeroes
        if core is None:
            raise go.Unavailable("core_pattern does not make a file in the working directory")
        shutil.move(core, os.path.join(folder, "core"))
    finally:
        running.close()
    with open(os.path.join(folder, "commands"), "w") as file:
        file.write(COMMANDS.replace("ADDRESS", address_of_words(tool, folder)))
    return folder


def address_of_words(tool, folder):
    found = process.run([tool, "show", "main.words", "-c", os.path.join(folder, "core"), "-e", os.path.join(folder, "exe")], 30)
    return re.search(r"0x[0-9a-f]+", found.stdout).group()
