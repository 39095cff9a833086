package main

import "unsafe"

const elemCount = 61

// How a sequence goes: how many entries the map should have when `done` of `all` operations are done, and how many of 1000
// operations are something else than what leads there.
type profile struct {
	target  func(s *sequence, done, all int) int
	lookups int
	updates int
	strays  int // deletes where an assignment would be right, and the other way round
	clears  int // of 100000 operations
	ranges  int // iterations visit about that many entries of 100 operations
}

var profiles = map[string]*profile{
	"grow":       {func(s *sequence, done, all int) int { return all }, 20, 50, 0, 0, 30},
	"churn":      {func(s *sequence, done, all int) int { return s.level }, 20, 50, 300, 0, 30},
	"waves":      {func(s *sequence, done, all int) int { return wave(s.level, done*5, all) }, 20, 50, 50, 20, 30},
	"tombstones": {func(s *sequence, done, all int) int { return s.edge }, 10, 20, 450, 0, 30},
	"small":      {func(s *sequence, done, all int) int { return wave(9, done*60, all) }, 50, 100, 100, 2000, 40},
	"mixed":      {func(s *sequence, done, all int) int { return wave(s.level, done*2, all) }, 50, 100, 200, 20, 100},
}

// Up to `top`, and down again to nothing, and so on.
func wave(top, done, all int) int {
	at := done % all * 2
	if at > all {
		at = 2*all - at
	}
	return at * top / all
}

type sequence struct {
	kind      kind
	random    uint64
	all       int
	profile   *profile
	level     int   // about the entries that the map has in the end
	edge      int   // just below a capacity
	live      []int // the entries, by the first position of an equal key
	where     []int // of a key in live, -1: it is not there
	seed      uint64
	iterating int
	quiet     bool // no iterations before the end: they keep evacuated buckets from being wiped
	limit     int
}

func newSequence(k kind, seed uint64, operations int, p *profile) *sequence {
	k.prepare(operations)
	s := &sequence{kind: k, random: seed*2 + 1, all: operations, profile: p}
	s.where = make([]int, k.count())
	for i := range s.where {
		s.where[i] = -1
	}
	s.quiet = s.draw(2) == 0
	s.all -= s.draw(operations/2 + 1) // so that maps of all sizes are left, also such that grow
	s.level = 1 + s.draw(operations/3+1)
	s.edge = 8
	for s.edge*2 < operations/2 && s.draw(8) != 0 {
		s.edge *= 2
	}
	s.edge = s.edge*7/8 - s.draw(3)
	log = log[:0]
	return s
}

// A number below n, from the sequence's seed (xorshift*).
func (s *sequence) draw(n int) int {
	s.random ^= s.random >> 12
	s.random ^= s.random << 25
	s.random ^= s.random >> 27
	return int((s.random * 2685821657736338717) >> 33 % uint64(n))
}

func (s *sequence) run(hint, limit int) {
	s.limit = limit
	s.kind.create(hint)
	s.setSeed()
	log = append(log, operation{what: opMake, a: s.seed, b: uint64(hint)})
	for len(log) <= s.all && len(log) < limit {
		s.step()
	}
	if len(log) < limit {
		s.iterate()
	}
}

// The map is empty and its seed is of no importance yet: take one that can be had again.
func (s *sequence) setSeed() {
	writeSeed(s.kind.header(), uint64(s.draw(1<<30))<<34^uint64(s.draw(1<<30)))
	s.seed = readSeed(s.kind.header())
}

func (s *sequence) step() {
	p := s.profile
	switch n := s.draw(1000); {
	case n < p.lookups:
		s.lookup()
		return
	case n < p.lookups+p.updates && len(s.live) > 0:
		s.assign(s.live[s.draw(len(s.live))])
		return
	}
	if s.draw(100000) < p.clears {
		s.empty()
		return
	}
	if s.iterating == 0 && !s.quiet && s.draw(100*(1+len(s.live))) < p.ranges {
		s.iterate()
		return
	}
	grow := len(s.live) < p.target(s, len(log), s.all)
	if s.draw(1000) < p.strays {
		grow = !grow
	}
	if grow {
		s.assign(s.draw(s.kind.count()))
	} else {
		s.remove()
	}
}

func (s *sequence) assign(key int) {
	elem := s.draw(elemCount)
	if same := s.kind.same(key); s.where[same] < 0 {
		s.where[same] = len(s.live)
		s.live = append(s.live, same)
	} else if s.draw(4) != 0 {
		key = s.twin(key)
	}
	before := overflows(s.kind.header())
	s.kind.assign(key, elem)
	counted := overflows(s.kind.header()) - before
	log = append(log, operation{what: opAssign, key: uint32(key), elem: uint32(elem), a: uint64(counted)})
}

// The second half of the keys is equal to the first one, but not always in its bytes, and not where pointers are in interfaces.
func (s *sequence) twin(key int) int {
	twin := (key + s.kind.count()/2) % s.kind.count()
	if s.kind.same(twin) != s.kind.same(key) {
		return key
	}
	return twin
}

func (s *sequence) lookup() {
	key := s.draw(s.kind.count())
	if len(s.live) > 0 && s.draw(2) == 0 {
		key = s.twin(s.live[s.draw(len(s.live))])
	}
	entry := operation{what: opLookup, key: uint32(key)}
	if s.kind.lookup(key) {
		entry.found = 1
	}
	log = append(log, entry)
}

func (s *sequence) remove() {
	key := s.draw(s.kind.count())
	if len(s.live) > 0 && s.draw(50) != 0 {
		key = s.live[s.draw(len(s.live))]
		if s.draw(2) == 0 {
			key = s.twin(key)
		}
	}
	s.removeKey(key)
}

func (s *sequence) removeKey(key int) {
	if same := s.kind.same(key); s.where[same] >= 0 {
		last := s.live[len(s.live)-1]
		s.live[s.where[same]] = last
		s.where[last] = s.where[same]
		s.live = s.live[:len(s.live)-1]
		s.where[same] = -1
	}
	log = append(log, operation{what: opDelete, key: uint32(key)})
	last := &log[len(log)-1]
	s.kind.remove(key)
	s.reseeded(last)
}

func (s *sequence) reseeded(entry *operation) {
	if readSeed(s.kind.header()) != s.seed {
		s.setSeed()
		entry.found, entry.a = 1, s.seed
	}
}

// Clears the map as this version does it, and now and then key by key.
func (s *sequence) empty() {
	if s.draw(3) == 0 {
		for len(s.live) > 0 && len(log) < s.limit {
			s.removeKey(s.live[s.draw(len(s.live))])
		}
		return
	}
	for _, key := range s.live {
		s.where[key] = -1
	}
	entry := operation{what: opClear}
	if s.kind.clears() {
		s.kind.clear()
	} else {
		s.loop(&entry)
	}
	s.live = s.live[:0]
	s.reseeded(&entry)
	log = append(log, entry)
}

// What a loop that deletes all keys does where the compiler does not take it for a clear.
func (s *sequence) loop(entry *operation) {
	it := s.kind.iterate()
	key := it.next()
	entry.elem = 1
	if len(s.live) > 0 {
		start, offset := it.start()
		entry.b, entry.key = start, uint32(offset)
	}
	for ; key != nil; key = it.next() {
		s.kind.remove(s.kind.position(key))
	}
}

// An iteration, to its end or not, with a body that changes the map or not.
func (s *sequence) iterate() {
	changes, stop := s.draw(2) == 0, -1
	if s.draw(4) == 0 {
		stop = s.draw(1 + len(s.live))
	}
	it := s.kind.iterate()
	log = append(log, operation{what: opRange})
	begin := len(log) - 1
	s.iterating++
	key := it.next()
	if len(s.live) > 0 {
		log[begin].found = 1
		log[begin].a, log[begin].b = it.start()
	}
	for ; key != nil && stop != 0 && len(log) < s.limit; key = it.next() {
		s.visit(key, changes)
		stop--
	}
	s.iterating--
	end := operation{what: opRangeEnd}
	if key == nil {
		end.found = 1
	}
	log = append(log, end)
}

func (s *sequence) visit(key unsafe.Pointer, changes bool) {
	position := s.kind.position(key)
	log = append(log, operation{what: opVisit, key: uint32(position)})
	if !changes {
		return
	}
	switch s.draw(12) {
	case 0, 1, 2:
		s.removeKey(position)
	case 3, 4:
		s.assign(s.draw(s.kind.count()))
	case 5:
		s.assign(position)
	case 6:
		s.step()
	}
}
