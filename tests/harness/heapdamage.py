"""Damage to a core of testdata/allmaps: the runtime's tables of spans, goroutines, modules; stacks, heap pages, map headers."""
import random
import struct

from harness import process

WORD = 8
PAGE = 8192
SPAN_WORDS = 24     # of struct mspan, the fields that matter are among them
BAD_WORDS = (0, 1, 7, 0xff, 1 << 31, 1 << 47, (1 << 47) - 8, 1 << 63, (1 << 64) - 1, 0xdeadbeefdeadbeef)


class Mutant:
    def __init__(self, family, what, changes, structural=False):
        self.family = family
        self.what = what
        self.changes = changes  # (address, bytes)
        self.expression = None
        self.structural = structural


def packed(word):
    return struct.pack("<Q", word & (1 << 64) - 1)


class Breeder:
    """Makes mutants of one core. `executable` has the symbols."""

    def __init__(self, core, executable, truth, seed):
        self.core = core
        self.truth = truth
        self.random = random.Random(seed)
        self.symbols = symbols(executable)
        self.spans = self._spans()
        self.goroutines = self._goroutines()
        self.headers = sorted(truth.maps)
        self.families = {
            "mheap": self.mheap, "span": self.span, "many spans": self.many_spans, "span list": self.span_list,
            "allgs": self.allgs, "goroutine": self.goroutine, "stack": self.stack, "stack bounds": self.stack_bounds, "module": self.module,
            "header": self.header, "many headers": self.many_headers, "pages": self.pages, "swapped spans": self.swapped_spans,
        }

    def mutant(self, family):
        what, changes = self.families[family]()
        return Mutant(family, what, [(address, data) for address, data in changes if self._there(address, len(data))])

    def _there(self, address, size):
        try:
            return len(self.core.read(address, size)) == size
        except KeyError:
            return False

    def _words(self, address, count):
        try:
            data = self.core.read(address, count * WORD)
        except KeyError:
            return []
        return list(struct.unpack(f"<{len(data) // WORD}Q", data[:len(data) // WORD * WORD]))

    def _spans(self):
        """Addresses of span structs, by runtime.mheap_.allspans: a slice of pointers to structs that have a page address in word 3."""
        address, size = self.symbols["runtime.mheap_"]
        words = self._words(address, min(size // WORD, 1 << 17))
        for i in range(len(words) - 2):
            first, length, capacity = words[i:i + 3]
            if first and 16 <= length <= capacity <= 1 << 20 and self._looks_like_spans(self._words(first, 8)):
                return self._words(first, length)
        raise RuntimeError("no table of spans in runtime.mheap_")

    def _looks_like_spans(self, pointers):
        starts = [self._words(pointer, 5)[3:] for pointer in pointers]
        return bool(starts) and all(len(words) == 2 and words[0] and words[0] % PAGE == 0 and 0 < words[1] < 1 << 20 for words in starts)

    def _goroutines(self):
        """Addresses of structs g."""
        first, length = self._words(self.symbols["runtime.allgs"][0], 2)
        return self._words(first, min(length, 1000))

    # --- one mutant: (what, changes)

    def bad_word(self):
        choice = self.random.randrange(4)
        if choice == 0:
            return self.random.choice(self.headers) + self.random.choice((0, 1, 8))
        if choice == 1:
            return self.random.choice(self.spans)
        return self.random.choice(BAD_WORDS) if choice == 2 else self.random.getrandbits(64)

    def some_words(self, address, words, count):
        """Changes of `count` of the words there."""
        return [(address + WORD * self.random.randrange(words), packed(self.bad_word())) for _ in range(count)]

    def mheap(self):
        address, size = self.symbols["runtime.mheap_"]
        reach = min(size // WORD, 1 << 17)
        used = [i for i, word in enumerate(self._words(address, reach)) if word]
        return "words that are set", [(address + WORD * self.random.choice(used), packed(self.bad_word())) for _ in range(4)]

    def span(self):
        span = self.random.choice(self.spans)
        return f"0x{span:x}", self.some_words(span, SPAN_WORDS, 2)

    def many_spans(self):
        word, value = self.random.randrange(SPAN_WORDS), self.bad_word()
        return f"word {word} is 0x{value:x}", [(span + WORD * word, packed(value)) for span in self.spans[::3]]

    def span_list(self):
        address, _ = self.symbols["runtime.mheap_"]
        words = self._words(address, 1 << 17)
        place = next(i for i in range(len(words) - 1) if words[i + 1] == len(self.spans) and self._words(words[i], 1) == self.spans[:1])
        value = self.bad_word()
        return f"length 0x{value:x}", [(address + WORD * (place + self.random.choice((0, 1, 2))), packed(value))]

    def swapped_spans(self):
        first, second = self.random.sample(self.spans, 2)
        size = SPAN_WORDS * WORD
        return "two", [(first, self.core.read(second, size)), (second, self.core.read(first, size))]

    def allgs(self):
        return "slice", self.some_words(self.symbols["runtime.allgs"][0], 3, 1)

    def goroutine(self):
        return "fields", [change for _ in range(8) for change in self.some_words(self.random.choice(self.goroutines), 60, 2)]

    def stack(self):
        """The upper end of some stacks, where frames are."""
        changes = []
        for goroutine in self.random.sample(self.goroutines, min(20, len(self.goroutines))):
            low, high = self._words(goroutine, 2)
            if high > low + 1024:
                changes += self.some_words(high - 1024, 128, 8)
        return "frames", changes

    def stack_bounds(self):
        """Of a goroutine; its stack seems to reach into the heap or all over it."""
        goroutine = self.random.choice(self.goroutines)
        low, high = self._words(goroutine, 2)
        reach = 1 << self.random.randrange(13, 32)
        word, value = self.random.choice(((0, low - reach), (1, high + reach)))
        return f"{('low', 'high')[word]} by 0x{reach:x}", [(goroutine + WORD * word, packed(value))]

    def module(self):
        address, size = self.symbols["runtime.firstmoduledata"]
        return "fields", self.some_words(address, min(size // WORD, 70), 2)

    def header(self):
        header = self.random.choice(self.headers)
        return f"of {self.truth.maps[header]['type']}", self.some_words(header, 6, 2)

    def many_headers(self):
        word, value = self.random.randrange(6), self.bad_word()
        return f"word {word} is 0x{value:x}", [(header + WORD * word, packed(value)) for header in self.headers[::5]]

    def pages(self):
        changes = []
        for _ in range(64):
            start, length = self._words(self.random.choice(self.spans), 5)[3:]
            page = start + PAGE * self.random.randrange(max(1, min(length, 1 << 16)))
            changes.append((page, bytes(self.random.getrandbits(8) for _ in range(512))))
        return "64 of the heap", changes


def symbols(executable):
    """{name: (address, size)} of what is needed of the symbol table."""
    found = {}
    for line in process.must_run(["nm", "-S", executable]).stdout.splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[3].startswith("runtime."):
            found[fields[3]] = (int(fields[0], 16), int(fields[1], 16))
    return found
