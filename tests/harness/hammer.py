"""Maps that are written at full speed (testdata/hammer), read by --no-stop: what is shown as sound must be so."""
import collections
import json
import os
import re
import subprocess

from harness import go

SOURCE = os.path.join(go.ROOT, "testdata", "hammer")
MAPS = ["few", "ints", "texts", "wides", "growth", "emptied"]
DOTS = "." * 64


def value(k):
    """As Go has it, in 64 bits with a sign."""
    v = (k * k + 7 * k + 3) & (1 << 64) - 1
    return v - (1 << 64) if v >> 63 else v


def text(k):
    return f"{k}-{value(k)}-{DOTS}"


def number_of(key):
    """The k of text(k), None where it is not one."""
    digits = re.match(r"(\d+)-", key) if isinstance(key, str) else None
    return int(digits.group(1)) if digits and text(int(digits.group(1))) == key else None


def is_whole(name, key, found):
    if name in ("few", "ints", "growth"):
        return found == value(key)
    if name == "wides":
        return found == [value(key), key, ~key, value(key) + 1]
    k = number_of(key)
    return k is not None and found == (text(value(k)) if name == "texts" else value(k))


def is_begun(name, key, found):
    """An entry whose value the program has not stored yet: assignment makes the slot first (runtime, mapassign), then Go code stores
    the value, word by word. A process that is stopped can have one such entry a map as well."""
    if name == "wides":
        whole = [value(key), key, ~key, value(key) + 1]
        return all(word in (0, good) for word, good in zip(found, whole))
    return (found == "" if name == "texts" else found == 0) and (name not in ("texts", "emptied") or number_of(key) is not None)


Figures = collections.namedtuple("Figures", "looks sound again marked begun wrong")


class Hammer:
    def __init__(self, version):
        self.process = subprocess.Popen([go.build_program(version, "hammer", SOURCE, go.Mode())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def end(self):
        self.process.communicate("")

    def look(self, tool, name, looks):
        """`again`: how many of those that are sound took more than one reading; `wrong`: what is said to be sound, and is not."""
        sound = again = marked = begun = 0
        wrong = []
        for _ in range(looks):
            done = tool.run("show", f"main.{name}", "-p", str(self.process.pid), "--no-stop", "--max", "0", "--format", "json", "--stats")
            if done.status == 4 or (done.status == 3 and "changes while" in done.stderr):
                marked += 1
                continue
            if done.status != 0:
                wrong.append(f"status {done.status}: {done.stderr[-200:]}")
                continue
            document = json.loads(done.stdout)
            sound += 1
            again += "read again 0 times" not in done.stderr
            begun += self._check(name, document, wrong)
        return Figures(looks, sound, again, marked, begun, wrong)

    @staticmethod
    def _check(name, document, wrong):
        """How many entries are only begun."""
        entries = [(entry["key"], entry["value"]) for entry in document["entries"]]
        torn = [(key, found) for key, found in entries if not is_whole(name, key, found)]
        begun = [(key, found) for key, found in torn if is_begun(name, key, found)]
        keys = [str(key) for key, _ in entries]
        if len(begun) < len(torn) or len(begun) > 1:
            wrong.append(f"{len(torn)} of {len(entries)}: {torn[:2]}")
        if len(set(keys)) != len(keys):
            wrong.append(f"keys twice: {[key for key, times in collections.Counter(keys).items() if times > 1][:3]}")
        if document["len"] != len(entries):
            wrong.append(f"len {document['len']}, {len(entries)} entries")
        return len(begun)
