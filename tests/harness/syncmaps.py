"""A running testdata/syncmaps, what it says of its sync.Maps, and damage to them."""
import os

from harness import compare, go, zoo

SOURCE = os.path.join(go.ROOT, "testdata", "syncmaps")


class Program(zoo.Fixture):
    def __init__(self, version, mode=go.Mode()):
        super().__init__(go.build_program(version, f"syncmaps{mode.experiment}", SOURCE, mode), lambda folder: [os.path.join(folder, "truth.json")])
        with open(os.path.join(self.folder, "truth.json")) as file:
            lines = compare.parse_lines(file.read())
        self.go = lines[0]["go"]
        self.dropped = lines[0]["dropped"]  # headers of maps that were collected
        self.maps = {line["map"]: line for line in lines[1:]}

    def write(self, address, value, size=8):
        """Damages `size` bytes, or writes those of `value`."""
        data = value if isinstance(value, bytes) else (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
        return self.ask(f"mutate {address:#x} {data.hex()}")

    def restore(self):
        return self.ask("restore")
