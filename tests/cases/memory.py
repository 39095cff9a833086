"""Where the blocks of maps lie in the heap: stat's part and dump --memory, against the allocator's size classes."""

# class_to_size of internal/runtime/gc/sizeclasses.go (until 1.24 in runtime/); 24 is one since 1.16 (before, 24 bytes lie in 32)
CLASSES = (8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480, 512, 576,
           640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304, 2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784,
           6912, 8192, 9472, 9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768)
PAGE = 8192
FIGURES = ("bytes", "slot_bytes", "slack_bytes")


def slot_of(size, header, minor):
    """The bytes that the allocator takes for an object."""
    size += header
    if size > CLASSES[-1]:
        return (size + PAGE - 1) // PAGE * PAGE
    return next(c for c in CLASSES if c >= size and not (c == 24 and minor < 16))


def check_summary(checks, name, memory):
    """The object "memory" of stat and dump: its kinds add up."""
    checks.true(f"{name}: memory is known", "error" not in memory, memory)
    if "error" in memory:
        return
    for figure in ("blocks", "in_heap", "pointer_free", *FIGURES):
        checks.equal(f"{name}: {figure} of all kinds", memory[figure], sum(kind[figure] for kind in memory["kinds"]))
    checks.true(f"{name}: no slack without a slot", memory["slack_bytes"] <= memory["slot_bytes"], memory)
    share = memory["share_of_live_heap"]
    checks.true(f"{name}: share of the live heap", share is None or 0 <= share <= 1, memory)


def check_map(checks, tool, name, target, expression, minor, stat=None, word=8):
    """`dump --memory` of a map, and what `stat` said of it (or says now)."""
    document = tool.document(checks, f"{name} dump --memory", "dump", "--memory", expression, *target, "--format", "json")
    if stat is None:
        stat = tool.document(checks, f"{name} stat", "stat", expression, *target, "--format", "json")
    if document is None or stat is None:
        return
    check_summary(checks, f"{name} dump --memory", document["memory"])
    check_summary(checks, f"{name} stat", stat["memory"])
    blocks = document["blocks"]
    checks.equal(f"{name} dump --memory: blocks", document["memory"].get("blocks"), len(blocks))
    checks.equal(f"{name} dump --memory: each once", len(blocks), len({block["address"] for block in blocks}))
    for block in blocks:
        check_block(checks, f"{name} dump --memory: {block['kind']} {block['address']}", block, minor, word)
    if not stat["memory"].get("cut"):
        for figure in ("blocks", *FIGURES):
            checks.equal(f"{name} stat and dump --memory: {figure}", stat["memory"][figure], document["memory"][figure])
    lines = tool.document(checks, f"{name} dump --memory ndjson", "dump", "--memory", expression, *target, "--format", "ndjson", lines=True)
    checks.equal(f"{name} dump --memory: a line a block", len(blocks), len(lines or []))
    text = tool.run("dump", "--memory", expression, *target)
    rows = [line for line in text.stdout.split("\n") if " 0x" in line and not line.startswith(" ")]
    checks.equal(f"{name} dump --memory: a row a block", (0, len(blocks)), (text.status, len(rows) - 1))


def check_block(checks, name, block, minor, word):
    if block["place"] != "heap":
        # the first map of a variable may be the linker's own
        checks.true(f"{name}: place", block["place"] in ("data", "stack") and block["kind"] in ("header", "groups", "buckets"), block)
        return
    slot, size = block["slot_bytes"], block["bytes"]
    checks.equal(f"{name}: slot", slot_of(size, block["header_bytes"], minor), slot)
    checks.equal(f"{name}: slack", slot - size, block["slack_bytes"])
    inside = int(block["address"], 0) - int(block["slot"], 0)
    checks.equal(f"{name}: behind the malloc header", block["header_bytes"], inside)
    start, end = int(block["span"], 0), int(block["span"], 0) + block["span_bytes"]
    checks.true(f"{name}: in its span", start <= int(block["slot"], 0) and int(block["slot"], 0) + slot <= end, block)
    headed = minor >= 22 and not block["pointer_free"] and 8 * word * word < slot <= 32768  # minSizeForMallocHeader of runtime/mbitmap.go
    checks.equal(f"{name}: a malloc header", 8 if headed else 0, block["header_bytes"])


def check_dropped(checks, tool, name, target, addresses, reused):
    """Maps that were collected: what lies there is not taken for a map. `reused`: their slots may all hold something else by now."""
    said = 0
    for address in addresses[::5]:
        result = tool.run("stat", f"(map[string]int)({address:#x})", *target)
        checks.true(f"{name}: stat of freed memory ends", result.status in (0, 4), f"{result.status}: {result.stderr[-200:]}")
        said += result.status == 4 and ("free slot" in result.stderr or "no object of the heap" in result.stderr)
    checks.true(f"{name}: it is said that it is free", reused or said > 0, f"of none of {len(addresses[::5])}")
