//go:build go1.18
// +build go1.18

package main

type Pair[A comparable, B any] struct {
	First  A
	Second B
}

type Index[K comparable, V any] map[K]V

type Cache[K comparable, V any] struct {
	entries map[K]V
	order   []K
}

type Number interface{ ~int | ~float64 }

type Matrix[T Number] [2][2]T

var (
	pairs       map[Pair[int, string]]Pair[string, []int]
	index       Index[string, Pair[Name, *User]]
	cache       Cache[Name, point]
	cachePtr    *Cache[int16, map[string]Matrix[float64]]
	genericAny  map[string]any
	nestedIndex Index[int, Index[string, Index[int8, bool]]]
)

func init() {
	optionalFillers = append(optionalFillers, fillGenerics)
}

func fillGenerics() {
	pairs = map[Pair[int, string]]Pair[string, []int]{{1, "one"}: {"x", []int{1}}, {2, "two"}: {"y", nil}}
	index = Index[string, Pair[Name, *User]]{"a": {"ann", nil}, "b": {"bob", &User{ID: 7}}}
	cache = Cache[Name, point]{map[Name]point{"origin": {}, "far": {maxInt / 3, -1}}, nil}
	cachePtr = &Cache[int16, map[string]Matrix[float64]]{map[int16]map[string]Matrix[float64]{
		-5: {"unit": {{1, 0}, {0, 1}}}, 6: nil,
	}, nil}
	genericAny = map[string]any{"pair": Pair[string, int]{"p", 5}, "index": Index[string, int]{"i": 1}, "pointer": &Pair[int, int]{},
		"matrix": Matrix[int]{{1, 2}, {3, 4}}}
	nestedIndex = Index[int, Index[string, Index[int8, bool]]]{1: {"a": {5: true}}, 2: nil}
	add("main.pairs", &pairs)
	add("main.index", &index)
	add("main.cache.entries", &cache.entries)
	add("main.cachePtr.entries", &cachePtr.entries)
	add("main.genericAny", &genericAny)
	add("main.nestedIndex", &nestedIndex)
}
