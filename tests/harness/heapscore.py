"""What `list --all` says, held against the truth of testdata/allmaps: recall, precision, types, lengths."""
import collections

from harness import compare

CANDIDATES = 64  # that are listed at most


class Score:
    """`rows`: objects of list --all, with --garbage or without. `short`: types are named as reflect does, most packages by the last element."""

    def __init__(self, truth, rows, short=False):
        self.truth = truth
        name = compare.plain_type if short else str
        self.rows = {}
        self.doubled = 0
        for row in rows:
            address = int(row["address"], 16)
            self.doubled += address in self.rows
            self.rows[address] = row
        self.live = {address: row for address, row in self.rows.items() if row["live"]}
        self.missed = self._where(lambda fact, row: row is None or not row["live"])
        self.untyped = self._where(lambda fact, row: row is not None and row["type"] is None)
        self.wrong = self._where(lambda fact, row: row is not None and row["type"] is not None and name(row["type"]) != name(fact["type"]))
        self.wrong_len = self._where(lambda fact, row: row is not None and row["len"] != fact["len"])
        # null: any type fits an empty map; of very many only the first are listed
        self.without_truth = self._where(lambda fact, row: row is not None and row["type"] is None and
                                         (name(fact["type"]) not in map(name, row["candidates"]) and len(row["candidates"]) < CANDIDATES
                                          if row["candidates"] is not None else row["len"] != 0))
        self.found = len(truth.maps) - len(self.missed)
        self.decoys = collections.Counter(kind for address, kind in truth.decoys.items() if address in self.rows)
        self.dead_as_live = [fact for address, fact in truth.garbage.items() if address in self.live]
        known = (truth.maps, truth.garbage, truth.decoys)
        self.others = [row for address, row in self.live.items() if not any(address in facts for facts in known)]

    def _where(self, test):
        """[(fact, row)] of live maps."""
        pairs = ((fact, self.rows.get(address)) for address, fact in self.truth.maps.items())
        return [(fact, row) for fact, row in pairs if test(fact, row)]

    def words_to_dead(self):
        """What of stacks and the like leads to dead maps that are called live: one such word can lead to many."""
        rows = [self.live[int(fact["address"], 16)] for fact in self.dead_as_live]
        return {row["path"].partition(")")[0] for row in rows}

    @property
    def typed_share(self):
        """Of those found, how many have their exact type."""
        return 1 - (len(self.untyped) + len(self.wrong)) / max(self.found, 1)

    def garbage_listed(self, state):
        """(those of this state that are listed as dead, all of this state)"""
        facts = {address: fact for address, fact in self.truth.garbage.items() if fact["state"] == state}
        return sum(address in self.rows and not self.rows[address]["live"] for address in facts), len(facts)

    def owned_share(self):
        """How many of the live ones have an owner."""
        return sum(bool(row["owner"]) for row in self.live.values()) / max(len(self.live), 1)

    def line(self):
        return (f"recall {self.found}/{len(self.truth.maps)}, exact type {100 * self.typed_share:.2f} %, wrong type {len(self.wrong)},"
                f" wrong len {len(self.wrong_len)}, decoys {sum(self.decoys.values())}/{len(self.truth.decoys)},"
                f" dead as live {len(self.dead_as_live)}/{len(self.truth.garbage)} by {len(self.words_to_dead())} words, others {len(self.others)},"
                f" with an owner {100 * self.owned_share():.1f} %")


def by_place(pairs, count=6):
    """Where such maps are, the most frequent places first, for a message."""
    places = collections.Counter(fact["place"] for fact, _ in pairs)
    return ", ".join(f"{number} {place}" for place, number in places.most_common(count))


def examples(pairs, count=3):
    return "; ".join(f"{fact['place']}: {fact['type']} at {fact['address']}, said to be {row['type']}, len {row['len']} not {fact['len']}"
                     if row else f"{fact['place']}: {fact['type']} at {fact['address']}" for fact, row in pairs[:count])
