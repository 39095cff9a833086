// A small program with a map of each kind, for the fuzz targets that damage its memory and its DWARF (tests/fuzz/damage.h). It imports little,
// so that little is read.
package main

import (
	"os"
	"sync"
)

type point struct {
	x, y int
	name string
	next *point
}

type wide [40]int

type node struct {
	inner map[string]*node
	list  []interface{}
}

var (
	words  = map[string]int{}
	nested = map[string]map[int]string{}
	any    = map[interface{}]interface{}{}
	wides  = map[int16]wide{}
	points = map[point]*point{}
	empty  map[string]bool
	small  = map[uint8]bool{1: true, 2: false}
	tree   = &node{inner: map[string]*node{}}
	cache  sync.Map
	keep   []map[int]int
	done   = make(chan bool)
)

func text(n int) string {
	return "key" + string(rune('a'+n%26)) + string(rune('a'+n/26%26))
}

func fill() {
	for i := 0; i < 60; i++ {
		words[text(i)] = i
		keep = append(keep, map[int]int{i: i})
	}
	for i := 0; i < 20; i++ {
		delete(words, text(i*3))
		wides[int16(i)] = wide{i, i, i}
		points[point{x: i, name: text(i)}] = &point{y: i}
		cache.Store(text(i), i)
		cache.Store(i, text(i))
		cache.Load(i)
		tree.inner[text(i)] = &node{list: []interface{}{i, text(i), wides, &keep}}
	}
	for i := 0; i < 4; i++ {
		nested[text(i)] = map[int]string{i: text(i), -i: "minus"}
	}
	for _, key := range []interface{}{1, "one", 1.5, point{x: 1}, [2]string{"a", "b"}, struct{}{}, nil, true, uint8(3), &keep} {
		any[key] = key
	}
	any["map"] = nested
	any["slice"] = []map[string]int{words, nil}
}

func hold(number int, given map[string]int, ready chan bool) {
	local := map[int]string{number: text(number)}
	captured := map[string]int{"captured": number}
	defer func() {
		captured["more"] = len(local)
	}()
	func() {
		ready <- true
		<-done
		captured["done"] = len(given)
	}()
}

func main() {
	fill()
	ready := make(chan bool)
	for i := 0; i < 3; i++ {
		go hold(i, map[string]int{"given": i}, ready)
		<-ready
	}
	os.Stdout.WriteString("READY\n")
	os.Stdin.Read(make([]byte, 1))
	panic("a core is wanted")
}
