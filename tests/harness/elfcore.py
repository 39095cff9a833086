"""Just enough of a core file to change bytes of its memory."""
import struct

PT_LOAD = 1


class CoreFile:
    """Writes into a core by virtual address, and puts back what was there."""

    def __init__(self, path, mode="r+b"):
        self._file = open(path, mode, buffering=0)
        header = self._file.read(64)
        offset, = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        self._segments = []
        for i in range(count):
            self._file.seek(offset + i * size)
            kind, _, file_offset, address, _, file_size, _, _ = struct.unpack("<IIQQQQQQ", self._file.read(56))
            if kind == PT_LOAD and file_size:
                self._segments.append((address, file_size, file_offset))
        self._undo = []

    def _offset(self, address):
        for start, size, offset in self._segments:
            if start <= address < start + size:
                return offset + address - start
        raise KeyError(f"0x{address:x} is not in the core")

    def read(self, address, size):
        self._file.seek(self._offset(address))
        return self._file.read(size)

    def read_word(self, address):
        return struct.unpack("<Q", self.read(address, 8))[0]

    def write(self, address, data):
        self._undo.append((address, self.read(address, len(data))))
        self._file.seek(self._offset(address))
        self._file.write(data)

    def restore(self):
        while self._undo:
            address, data = self._undo.pop()
            self._file.seek(self._offset(address))
            self._file.write(data)

    def close(self):
        self._file.close()
