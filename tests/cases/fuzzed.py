"""The fuzz targets that damage a real program, on its corpus and on damage made here, with a fixture of each Go version."""
import os
import random
import tempfile

from cases import units
from harness import fuzzing, go, ordeal

CORPUS = os.path.join(go.ROOT, "tests", "fuzz", "corpus")
TARGETS = ("memory", "dwarf", "expression")
MADE = 100      # inputs for a target and version
MADE_SLOWLY = 20  # with sanitizers, under an emulator
RECORD = 10     # tests/fuzz/damage.h
SEED = 1


def check(checks, tool, version, build):
    label = f"{version} fuzzed"
    if not checks.wanted(label) or go.minor_of(version) < fuzzing.FIRST_MINOR:
        return
    with tempfile.TemporaryDirectory(prefix="mapscope-fuzzed-") as folder:
        fuzzing.fixture(tool.path, version, folder)
        count = MADE_SLOWLY if tool.emulated or ordeal.is_sanitized(tool.path) else MADE
        for target in TARGETS:
            made = os.path.join(folder, target)
            make(made, 0 if target == "expression" else count)
            command = [os.path.join(build, "tests", "fuzz", "fuzz_" + target), os.path.join(CORPUS, target), made]
            units.check_program(checks, f"{label} {target}", command, build, MAPSCOPE_FUZZ_FIXTURE=folder)


def make(folder, count, seed=SEED):
    """Inputs of a command and a few records, other ones for each of the commands."""
    chance = random.Random(seed)
    os.makedirs(folder)
    for number in range(count):
        with open(os.path.join(folder, str(number)), "wb") as file:
            file.write(bytes([number % fuzzing.COMMANDS.count("\n")]))
            for _ in range(chance.randrange(1, 6)):
                file.write(chance.randbytes(6) + small(chance))


def small(chance):
    """A value: small numbers do more than large ones."""
    return chance.choice((0, 1, 2, 7, 8, 64, 255, 4096, 1 << 16, 0x7fffffff, 0xffffffff, chance.randrange(1 << 32))).to_bytes(4, "little")
