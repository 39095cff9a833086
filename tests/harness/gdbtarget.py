"""testdata/gdb: its builds, its processes and what they say of themselves."""
import collections
import os

from harness import go, zoo

SOURCE = os.path.join(go.ROOT, "testdata", "gdb")
MODES = {"noopt": go.Mode("-gcflags=all=-N -l"), "plain": go.Mode()}

Map = collections.namedtuple("Map", "function expression address length type")
Goroutine = collections.namedtuple("Goroutine", "id function map")


def build(version, mode):
    return go.build_program(version, f"gdb-{mode}", SOURCE, MODES[mode])


class Held(zoo.Fixture):
    """One process of it, its main goroutine in main.hold. A map's function is None where it is global.

    `stacks` has the functions of parked goroutines, the innermost first, without those of the runtime."""

    def __init__(self, executable, entries=1000):
        self.maps = []
        self.goroutines = []
        self.stacks = {}
        super().__init__(executable, lambda folder: [str(entries)])

    def _introduced(self, line):
        kind, *words = line.split(" ")
        if kind == "map":
            name, address, length, *kind = words
            function, _, expression = name.rpartition(":")
            self.maps.append(Map(function or None, expression, int(address, 16), int(length), " ".join(kind)))
        elif kind == "goroutine":
            self.goroutines.append(Goroutine(int(words[0]), words[1], words[2]))
        elif kind == "stack":
            self.stacks[int(words[0])] = words[1:]
        else:
            super()._introduced(line)

    def of(self, function):
        """The maps in its frame; None: globals."""
        return [found for found in self.maps if found.function == function]
