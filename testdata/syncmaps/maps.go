package main

import (
	"fmt"
	"math"
	"sync"
)

type name string

type point struct{ X, Y int }

type holder struct {
	before [3]int
	sync.Map
	after string
}

type deep struct {
	inner *holder
	any   interface{}
}

var (
	neverUsed  sync.Map
	onlyRead   sync.Map
	onlyDirty  sync.Map
	amended    sync.Map
	missed     sync.Map
	deleted    sync.Map
	expunged   sync.Map
	revived    sync.Map
	emptied    sync.Map
	mixed      sync.Map
	pointers   sync.Map
	nested     sync.Map
	colliding  sync.Map
	notANumber sync.Map
	large      sync.Map
	busyMap    sync.Map
	held       holder
	boxed      interface{}
	array      [2]sync.Map
	deeper     = deep{inner: &holder{}}
	byMap      = map[string]*holder{}
	points     = [4]point{{1, 2}, {3, 4}, {5, 6}, {7, 8}}
)

// What a map of Go <= 1.23 looks like inside; entries of the read map that are live, deleted (nil) and expunged, all of the dirty one.
type state struct {
	live, deleted, expunged, dirty int
	amended                        bool
	misses                         int
}

type shadow struct {
	expression string
	m          *sync.Map
	keys       []interface{}
	values     []interface{}
	inside     state
}

var shadows []*shadow

func follow(expression string, m *sync.Map) *shadow {
	s := &shadow{expression: expression, m: m}
	shadows = append(shadows, s)
	return s
}

// NaN is not equal to itself: each is a key of its own.
func (s *shadow) find(key interface{}) int {
	for i, k := range s.keys {
		if k == key {
			return i
		}
	}
	return -1
}

func (s *shadow) store(key, value interface{}) {
	s.m.Store(key, value)
	if i := s.find(key); i >= 0 {
		s.values[i] = value
		return
	}
	s.keys = append(s.keys, key)
	s.values = append(s.values, value)
}

func (s *shadow) remove(key interface{}) {
	s.m.Delete(key)
	i := s.find(key)
	s.keys = append(s.keys[:i], s.keys[i+1:]...)
	s.values = append(s.values[:i], s.values[i+1:]...)
}

// Range makes the dirty map the read map.
func (s *shadow) promote() {
	s.m.Range(func(k, v interface{}) bool { return false })
}

func (s *shadow) numbers(from, to int) {
	for i := from; i < to; i++ {
		s.store(i, fmt.Sprint("value ", i))
	}
}

func fillStates() {
	follow("main.neverUsed", &neverUsed)

	s := follow("main.onlyRead", &onlyRead)
	s.numbers(0, 20)
	s.promote()
	s.inside = state{live: 20}

	s = follow("main.onlyDirty", &onlyDirty)
	s.numbers(0, 5)
	s.inside = state{dirty: 5, amended: true}

	s = follow("main.amended", &amended)
	s.numbers(0, 10)
	s.promote()
	s.numbers(10, 13)
	s.inside = state{live: 10, dirty: 13, amended: true}

	s = follow("main.missed", &missed)
	s.numbers(0, 8)
	for i := 0; i < 3; i++ {
		missed.Load("nothing")
	}
	s.inside = state{dirty: 8, amended: true, misses: 3}

	s = follow("main.deleted", &deleted)
	s.numbers(0, 6)
	s.promote()
	s.remove(1)
	s.remove(4)
	s.inside = state{live: 4, deleted: 2}

	s = follow("main.expunged", &expunged)
	s.numbers(0, 9)
	s.promote()
	s.remove(2)
	s.remove(3)
	s.store("new", 1.5)
	s.remove(5)
	s.inside = state{live: 6, deleted: 1, expunged: 2, dirty: 8, amended: true}

	s = follow("main.revived", &revived)
	s.numbers(0, 4)
	s.promote()
	s.remove(0)
	s.store("new", true)
	s.store(0, "again")
	s.inside = state{live: 4, dirty: 5, amended: true}

	s = follow("main.emptied", &emptied)
	s.numbers(0, 40)
	s.promote()
	for i := 0; i < 40; i++ {
		s.remove(i)
	}
	s.inside = state{deleted: 40}
}

func fillKinds() {
	s := follow("main.mixed", &mixed)
	for i, key := range []interface{}{"eu", name("eu"), 7, int8(-7), uint8(7), int64(7), true, 2.5, float32(2.5), complex(1, 2), 'x', point{1, 2},
		[2]string{"a", "b"}, struct{}{}, "quote \" back \\ \x01 ö", "", nil} {
		s.store(key, i)
	}
	s.store("nil", nil)
	s.store("slice", []int{1, 2, 3})
	s.inside = state{dirty: 19, amended: true}

	s = follow("main.pointers", &pointers)
	for i := range points {
		s.store(&points[i], points[i])
	}
	s.promote()
	s.inside = state{live: 4}

	s = follow("main.nested", &nested)
	s.store("eu", map[string]int{"de": 1, "fr": 2})
	s.store(name("typed"), map[int]bool{1: true})
	s.store(int16(3), []map[string]string{{"a": "b"}, nil})
	s.store(2.5, map[string]bool{"float": true})
	s.store(math.NaN(), map[string]uint8{"unnamed": 1})
	s.promote()
	s.inside = state{live: 5}

	// The hash of an interface's value knows nothing of its type: these collide in every bit.
	s = follow("main.colliding", &colliding)
	for i := 0; i < 12; i++ {
		s.store(i, "int")
		s.store(int64(i), "int64")
		s.store(uint(i), "uint")
		s.store(uint64(i), "uint64")
		s.store(uintptr(i), "uintptr")
	}
	s.remove(int64(3))
	s.remove(uint(4))
	s.promote()
	s.inside = state{live: 58}

	s = follow("main.notANumber", &notANumber)
	for i := 0; i < 3; i++ {
		s.store(math.NaN(), i)
	}
	s.inside = state{dirty: 3, amended: true}
}

func fillPlaces() {
	s := follow("main.held.Map", &held.Map)
	held.after = "after"
	s.numbers(0, 3)
	s.promote()
	s.inside = state{live: 3}

	s = follow("main.array[1]", &array[1])
	s.numbers(0, 2)
	s.promote()
	s.inside = state{live: 2}

	s = follow("main.boxed", new(sync.Map))
	boxed = s.m
	s.numbers(0, 2)
	s.promote()
	s.inside = state{live: 2}

	s = follow("main.deeper.inner.Map", &deeper.inner.Map)
	s.numbers(0, 2)
	s.promote()
	s.inside = state{live: 2}

	byMap["eu"] = &holder{}
	s = follow(`main.byMap["eu"].Map`, &byMap["eu"].Map)
	s.numbers(0, 2)
	s.promote()
	s.inside = state{live: 2}

	s = follow("main.deeper.any", new(sync.Map))
	deeper.any = &s.m
	s.numbers(0, 1)
	s.promote()
	s.inside = state{live: 1}
}

func fillLarge() {
	for i := 0; i < 20000; i++ {
		large.Store(i, i*i)
	}
	large.Range(func(k, v interface{}) bool { return false })
	for i := 0; i < 1000; i++ {
		busyMap.Store(i, i)
	}
}

func fill() {
	fillStates()
	fillKinds()
	fillPlaces()
	fillLarge()
}
