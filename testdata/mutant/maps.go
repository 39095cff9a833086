package main

import (
	"fmt"
	"unsafe"
)

type padded struct {
	small int8
	large int64
	text  string
	last  int16
}

type pair struct {
	number int32
	text   string
}

type ints [40]int32
type longs [20]int64

// Keys larger than 128 bytes lie outside of the map, and so do such elems: large has pointers to both.
var (
	few      map[int64]int64
	fewWords map[string]string
	numbers  map[int64]int64
	words    map[string]int32
	sets     map[string]struct{}
	structs  map[padded]string
	anys     map[interface{}]float64
	large    map[ints]longs
	floats   map[float64]bool
	places   map[int32]*int64
	half     map[int64]string
	halfWord map[string]int32
	sameSize map[int64]int64
	wide     map[int64]int32
)

// Keys and elems are made of numbers: those of one number are equal, but share no memory.
var subjects = []*subject{
	{name: "main.few", value: &few, key: int64Key, elem: int64Elem, build: fill(7, 2),
		find: func(k interface{}) (interface{}, bool) { e, ok := few[k.(int64)]; return e, ok },
		visit: func(f visitor) {
			for k, e := range few {
				if !f(k, e) {
					return
				}
			}
		}},
	{name: "main.fewWords", value: &fewWords, key: stringKey, elem: stringElem, build: fill(6, 0),
		find: func(k interface{}) (interface{}, bool) { e, ok := fewWords[k.(string)]; return e, ok },
		visit: func(f visitor) {
			for k, e := range fewWords {
				if !f(k, e) {
					return
				}
			}
		}},
	{name: "main.numbers", value: &numbers, key: int64Key, elem: int64Elem, build: fill(300, 60),
		find: func(k interface{}) (interface{}, bool) { e, ok := numbers[k.(int64)]; return e, ok },
		visit: func(f visitor) {
			for k, e := range numbers {
				if !f(k, e) {
					return
				}
			}
		}},
	{name: "main.words", value: &words, key: stringKey, elem: int32Elem, build: fill(400, 90),
		find: func(k interface{}) (interface{}, bool) { e, ok := words[k.(string)]; return e, ok },
		visit: func(f visitor) {
			for k, e := range words {
				if !f(k, e) {
					return
				}
			}
		}},
	{name: "main.sets", value: &sets, key: stringKey, elem: func(i int) interface{} { return struct{}{} }, build: fill(50, 10),
		find: func(k interface{}) (interface{}, bool) { e, ok := sets[k.(string)]; return e, ok },
		visit: func(f visitor) {
			for k, e := range sets {
				if !f(k, e) {
					return
				}
			}
		}},
	{name: "main.structs", value: &structs, key: paddedKey, elem: stringElem, build: fill(150, 20),
		find: func(k interface{}) (interface{}, bool) { e, ok := structs[k.(padded)]; return e, ok },
		visit: func(f visitor) {
			for k, e := range structs {
				if !f(k, e) {
					return
				}
			}
		}},
	{name: "main.anys", value: &anys, key: anyKey, elem: floatElem, build: fill(120, 12),
		find: func(k interface{}) (interface{}, bool) { e, ok := anys[k]; return e, ok },
		visit: func(f visitor) {
			for k, e := range anys {
				if !f(k, e) {
					return
				}
			}
		}},
	{name: "main.large", value: &large, key: intsKey, elem: longsElem, build: fill(60, 8),
		find: func(k interface{}) (interface{}, bool) { e, ok := large[k.(ints)]; return e, ok },
		visit: func(f visitor) {
			for k, e := range large {
				if !f(k, e) {
					return
				}
			}
		}},
	{name: "main.floats", value: &floats, key: floatElem, elem: func(i int) interface{} { return i%3 != 0 }, build: fill(100, 10),
		find: func(k interface{}) (interface{}, bool) { e, ok := floats[k.(float64)]; return e, ok },
		visit: func(f visitor) {
			for k, e := range floats {
				if !f(k, e) {
					return
				}
			}
		}},
	{name: "main.places", value: &places, key: int32Elem, elem: placeElem, build: fill(90, 9),
		find: func(k interface{}) (interface{}, bool) { e, ok := places[k.(int32)]; return e, ok },
		visit: func(f visitor) {
			for k, e := range places {
				if !f(k, e) {
					return
				}
			}
		}},
	{name: "main.half", value: &half, key: int64Key, elem: stringElem, build: fillWhileGrowing(200),
		find: func(k interface{}) (interface{}, bool) { e, ok := half[k.(int64)]; return e, ok },
		visit: func(f visitor) {
			for k, e := range half {
				if !f(k, e) {
					return
				}
			}
		}},
	{name: "main.halfWord", value: &halfWord, key: stringKey, elem: int32Elem, build: fillWhileGrowing(90),
		find: func(k interface{}) (interface{}, bool) { e, ok := halfWord[k.(string)]; return e, ok },
		visit: func(f visitor) {
			for k, e := range halfWord {
				if !f(k, e) {
					return
				}
			}
		}},
	{name: "main.sameSize", value: &sameSize, key: int64Key, elem: int64Elem, build: churn(90),
		find: func(k interface{}) (interface{}, bool) { e, ok := sameSize[k.(int64)]; return e, ok },
		visit: func(f visitor) {
			for k, e := range sameSize {
				if !f(k, e) {
					return
				}
			}
		}},
	{name: "main.wide", value: &wide, key: int64Key, elem: int32Elem, build: fill(2000, 300),
		find: func(k interface{}) (interface{}, bool) { e, ok := wide[k.(int64)]; return e, ok },
		visit: func(f visitor) {
			for k, e := range wide {
				if !f(k, e) {
					return
				}
			}
		}},
}

func text(i int) string { return string([]byte(fmt.Sprintf("the word of %d", i*i))) }

func int64Key(i int) interface{}   { return int64(i)*0x1003f00d + 1 }
func int64Elem(i int) interface{}  { return int64(i) + 1 }
func int32Elem(i int) interface{}  { return int32(i)*77 + 1 }
func stringKey(i int) interface{}  { return text(i) }
func stringElem(i int) interface{} { return text(i + 1) }
func floatElem(i int) interface{}  { return float64(i) + 0.5 }

func paddedKey(i int) interface{} {
	return padded{small: int8(i % 5), large: int64(i), text: text(i), last: int16(i % 300)}
}

func intsKey(i int) interface{} {
	key := ints{0: int32(i), 39: int32(i) * 3}
	return key
}

func longsElem(i int) interface{} {
	elem := longs{0: int64(i) + 1, 19: int64(i)}
	return elem
}

// None of those values that the runtime has read-only copies of: small integers, zeroes.
func anyKey(i int) interface{} {
	switch i % 5 {
	case 0:
		return int64(i) + 1000
	case 1:
		return text(i)
	case 2:
		return float64(i)/4 + 0.25
	case 3:
		return pair{int32(i), text(i)}
	}
	return [3]int16{int16(i), 2, 3}
}

var numbersBehind [256]int64

func placeElem(i int) interface{} { return &numbersBehind[i%len(numbersBehind)] }

// fill inserts, then deletes some of the first keys: with holes in between, not the last ones.
func fill(count, deleted int) func(*subject) {
	return func(s *subject) {
		for i := 0; i < count; i++ {
			s.set(i)
		}
		for i := 0; i < deleted; i++ {
			s.remove(i * 3 % count)
		}
	}
}

// fillWhileGrowing stops when a growth has begun and some of the buckets have moved.
func fillWhileGrowing(least int) func(*subject) {
	return func(s *subject) {
		for i := 0; i < least || growsByAndBy && !growing(s.header()); i++ {
			s.set(i)
		}
		for i := 0; i < 5; i++ {
			s.remove(i * 7)
		}
	}
}

// churn keeps some entries, ever new ones, until a classic map has so many overflow buckets that it grows to the same size.
// Thus a Swiss map gets its tombstones.
func churn(entries int) func(*subject) {
	return func(s *subject) {
		for i := 0; i < 40000 && !growingSameSize(s.header()); i++ {
			s.set(i)
			if i >= entries {
				s.remove(i - entries)
			}
		}
		s.set(1 << 20)
		s.set(1<<20 + 1)
	}
}

func at(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}
