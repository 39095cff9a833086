"""verify: every map of a zoo is right; each byte that is changed in a core is named by slot and address."""
import re

from harness import elfcore, zoo

CHECKS = ["structure", "header", "slots", "pointers", "placement", "duplicates", "replay"]
SUBJECTS = ("main.half", "main.halfText", "main.sameSizeText", "main.directoryText", "main.words", "main.mostDeletedText")


def check_all(checks, tool, label, target, truth):
    """All maps that are listed, then all that the zoo knows, which includes those on stacks and made by reflect."""
    name = f"{label} verify"
    if not checks.wanted(name):
        return
    for what, names in (("listed", []), ("named", list(truth.maps))):
        document = tool.document(checks, f"{name} {what}", "verify", *names, *target, "--format", "json", limit=120)
        if document is not None:
            check_sound(checks, f"{name} {what}", document, truth)
    check_forms(checks, tool, name, target)


def check_sound(checks, name, document, truth):
    checks.true(f"{name}: ok", document["ok"] is True)
    found = {}
    for check in document["checks"]:
        checks.true(f"{name} {check['subject']} {check['check']}", check["ok"] and not check["wrong"] and not check["wrong_total"],
                    f"{check['detail']}: {check['wrong'][:2]}")
        found.setdefault(check["subject"], {})[check["check"]] = check["detail"]
    checks.true(f"{name}: the runtime's structs are compared", any(check["check"] == "offsets" for check in document["checks"]))
    for expression, fact in truth.maps.items():
        if expression in found and fact["address"]:
            check_compared(checks, f"{name} {expression}", found[expression], fact)


def check_compared(checks, name, details, fact):
    """That there is nothing wrong must not be because nothing was looked at."""
    checks.equal(f"{name}: checks", CHECKS, list(details))
    for check in CHECKS:
        checks.true(f"{name}: {check} says what was compared", details[check] and not details[check].startswith("nothing"), details[check])
    placed = re.match(r"(\d+) of (\d+) keys", details["placement"])
    nan = re.search(r"(\d+) with a NaN", details["placement"])
    found = (int(placed[1]) + int(nan[1] if nan else 0), int(placed[2])) if placed else details["placement"]
    checks.equal(f"{name}: keys with a place", (fact["len"], fact["len"]), found)


def check_forms(checks, tool, name, target):
    """The other formats, and what the exit status is about."""
    result = tool.run("verify", "main.words", "main.nilMap", *target)
    checks.equal(f"{name}: text status", 0, result.status)
    checks.true(f"{name}: text", "main.words\n" in result.stdout and "WRONG" not in result.stdout
                and "nothing is wrong" in result.stdout.splitlines()[-1], result.stdout)
    lines = tool.document(checks, f"{name} ndjson", "verify", "main.words", *target, "--format", "ndjson", lines=True)
    if lines is not None:
        checks.equal(f"{name}: a line a check", CHECKS, [line["check"] for line in lines if line["subject"] == "main.words"])
    result = tool.run("verify", "main.noSuchMap", *target)
    checks.equal(f"{name}: status for what is not there", 3, result.status)
    document = tool.document(checks, f"{name} no replay", "verify", "main.words", "--replay", "0", *target, "--format", "json")
    if document is not None:
        details = {check["check"]: check["detail"] for check in document["checks"]}
        checks.true(f"{name}: no replay is said", details["replay"].startswith("nothing"), details["replay"])


def check_at_rest(checks, tool, label, executable):
    name = f"{label} verify at rest"
    if not checks.wanted(name):
        return
    document = tool.document(checks, name, "verify", "-e", executable, "--format", "json")
    if document is not None:
        checks.equal(f"{name}: only layouts", {"offsets", "type"}, {check["check"] for check in document["checks"]})
        checks.true(f"{name}: ok", document["ok"] is True, str([check for check in document["checks"] if not check["ok"]][:2]))
    checks.equal(f"{name}: no map", 2, tool.run("verify", "main.words", "-e", executable).status)


def check_other_hash(checks, tool, label, executable):
    """The same where the processor's AES instructions are not used."""
    name = f"{label} verify without AES"
    if not checks.wanted(name):
        return
    animal = zoo.Zoo(executable, 1000, wrapper=("env", "GODEBUG=cpu.aes=off,cpu.aesni=off"))
    try:
        document = tool.document(checks, name, "verify", *animal.truth.maps, "-p", str(animal.pid), "--format", "json")
        if document is None:
            return
        check_sound(checks, name, document, animal.truth)
        if int(animal.truth.go.split()[0].split(".")[1]) >= 13:  # before, GODEBUG knows nothing of it
            details = [check["detail"] for check in document["checks"] if check["check"] == "placement"]
            checks.true(f"{name}: it is off", all("non-AES" in detail or "0 of 0" in detail for detail in details), str(details[:3]))
    finally:
        animal.close()


# --- corrupted cores


class Patient:
    """A map of a core: where its parts are, from dump of the sound one."""

    def __init__(self, tool, checks, expression, target, memory):
        self.expression, self.target, self.memory, self.tool, self.checks = expression, target, memory, tool, checks
        self.document = tool.document(checks, f"dump {expression}", "dump", expression, *target, "--format", "json")
        self.header = int(self.document["address"], 0)
        self.classic = self.document["implementation"] == "classic"
        self.prefix = {}
        self.units = list(self.document.get("groups", [])) + list(self.document.get("buckets_dump", []))
        for table in self.document.get("tables", []):
            self.units += table["groups"]
        self.units = [unit for unit in self.units if any(slot["state"] == "live" for slot in unit["slots"])]

    def live_slot(self):
        """(address of its control byte, number in its unit, the slot) of one in the middle of the map."""
        unit = self.units[len(self.units) // 2]
        number, slot = next((i, slot) for i, slot in enumerate(unit["slots"]) if slot["state"] == "live")
        return int(unit["address"], 0) + number, number, slot

    def other_byte(self, address):
        """One that verify sees: what tells of a hash is 7 or 8 bits of it in a map of one group or bucket, by chance those of the sound key."""
        byte = self.memory.read(address, 1)
        for bit in (1, 2, 4):
            other = bytes([byte[0] ^ bit])
            self.memory.write(address, other)
            try:
                status = self.tool.run("verify", self.expression, *self.target).status
            finally:
                self.memory.restore()
            if status == 1:
                break
        return other

    def verify(self, name, address, data, status=1):
        """The wrong things once those bytes are written."""
        self.memory.write(address, data)
        try:
            document = self.tool.document(self.checks, name, "verify", self.expression, *self.target, "--format", "json", status=status)
        finally:
            self.memory.restore()
        return document or {"ok": None, "checks": []}


def wrong_of(document, *names):
    return [wrong for check in document["checks"] if check["check"] in names for wrong in check["wrong"]]


def check_corrupt(checks, tool, label, core, executable, truth):
    if not checks.wanted(f"{label} verify corrupt"):
        return
    memory = elfcore.CoreFile(core)
    try:
        for expression in SUBJECTS:
            if expression in truth.maps:
                patient = Patient(tool, checks, expression, ["-c", core, "-e", executable], memory)
                name = f"{label} verify corrupt {expression}"
                check_control(checks, name, patient)
                check_key(checks, name, patient)
                check_count(checks, name, patient)
                check_writing(checks, name, patient)
                check_free_slot(checks, name, patient, truth)
        check_statuses(checks, tool, f"{label} verify corrupt", core, executable, memory)
    finally:
        memory.restore()
        memory.close()


def check_control(checks, name, patient):
    """Every bit of a live slot's control byte."""
    address, number, _ = patient.live_slot()
    good = patient.memory.read(address, 1)[0]
    for bit in range(8):
        bad = good ^ 1 << bit
        document = patient.verify(f"{name} control bit {bit}", address, bytes([bad]))
        found = [wrong for wrong in wrong_of(document, "placement", "slots") if int(wrong["address"], 0) == address]
        count = wrong_of(document, "header")
        if found:
            checks.true(f"{name} control bit {bit}: slot, expected and found",
                        f"slot {number}, " in found[0]["place"] and f"0x{bad:02x}" in found[0]["found"], str(found[0]))
        else:  # it is a free slot now, and a sound one: only the count tells
            checks.true(f"{name} control bit {bit}: noticed", bool(count), str(document))
        if patient.document["implementation"] == "swiss" and bad < 0x80 and found:
            checks.equal(f"{name} control bit {bit}: expected", f"0x{good:02x}", found[0]["expected"])


def check_key(checks, name, patient):
    """A bit of a key that is a number, or of a string's length."""
    _, number, slot = patient.live_slot()
    address = int(slot["key_address"], 0)
    offset = 8 if isinstance(slot["key"], str) else 0
    document = patient.verify(f"{name} key", address + offset, patient.other_byte(address + offset))
    found = wrong_of(document, "placement")
    checks.true(f"{name} key: its slot alone is named", len(found) == 1 and f"slot {number}, " in found[0]["place"], str(found[:3]))
    checks.true(f"{name} key: its address", any(int(wrong["address"], 0) in (address, patient.live_slot()[0]) for wrong in found),
                str(found[:3]))


def check_count(checks, name, patient):
    count = patient.memory.read_word(patient.header)
    document = patient.verify(f"{name} count", patient.header, (count + 1).to_bytes(8, "little"))
    found = wrong_of(document, "header")
    checks.true(f"{name} count: named", any(int(wrong["address"], 0) == patient.header and wrong["found"] == str(count + 1) for wrong in found),
                str(found))


def check_writing(checks, name, patient):
    """The writing flag: said, not taken for corruption."""
    address = patient.header + (8 if patient.classic else 34)
    value = patient.memory.read(address, 1)[0] | (4 if patient.classic else 1)
    document = patient.verify(f"{name} writing", address, bytes([value]), status=0)
    own = [check for check in document["checks"] if check["subject"] == patient.expression]
    checks.true(f"{name} writing: said", document["ok"] is True and all("caught in a write" in check["detail"] for check in own), str(own[:1]))


def check_free_slot(checks, name, patient, truth):
    """A free slot becomes a deleted one, where no deletion leaves such a one. In a group that has no other free slot only the
    table's growthLeft tells."""
    old = patient.classic and int(truth.go.split()[0].split(".")[1]) < 12
    unit = next((unit for unit in patient.units if unit["slots"][7]["state"] in ("empty", "emptyRest")), None)
    if unit is None or old:
        return
    address = int(unit["address"], 0) + 7
    document = patient.verify(f"{name} free slot", address, bytes([0x01 if patient.classic else 0xfe]))
    found = wrong_of(document, "slots", "header")
    checks.true(f"{name} free slot: named", any(int(wrong["address"], 0) == address and "slot 7, " in wrong["place"] for wrong in found)
                or any("growthLeft" in wrong["place"] for wrong in found), str(found))


def check_statuses(checks, tool, name, core, executable, memory):
    """What is wrong decides the status, whatever else happens."""
    target = ["-c", core, "-e", executable]
    patient = Patient(tool, checks, "main.words", target, memory)
    address, _, _ = patient.live_slot()
    memory.write(address, bytes([memory.read(address, 1)[0] ^ 0x20]))
    try:
        checks.equal(f"{name}: status with a map that is not there", 1, tool.run("verify", "main.words", "main.noSuchMap", *target).status)
        result = tool.run("verify", "main.words", "main.half", *target)
        checks.true(f"{name}: text", result.status == 1 and "WRONG" in result.stdout and f"0x{address:x}  " in result.stdout, result.stdout)
    finally:
        memory.restore()
