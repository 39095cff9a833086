// maptypes has maps of many key and elem types, to compare their layouts: it needs to be built, not to run.
package main

import "unsafe"

type empty struct{}

type bytes3 [3]byte

type mixed struct {
	a byte
	b uint64
	c uint16
	d float64
}

type tail struct {
	n uint16
	e empty
}

type big [129]byte

type limit [128]byte

type point struct{ x, y int32 }

var (
	a map[string]int
	b map[uint64]byte
	c map[byte]uint64
	d map[bytes3]float64
	e map[int16]mixed
	f map[mixed]int16
	g map[string]empty
	h map[uint16]tail
	i map[tail]uint32
	j map[big]byte
	k map[byte]big
	l map[limit]limit
	m map[interface{}]complex64
	n map[complex128][]string
	o map[bool]unsafe.Pointer
	p map[*point]point
	q map[point]*point
	r map[uint32]uint64
	s map[empty]empty
	t map[chan int]func()
	u map[float32][0]uint64
	v map[[3]uint64][5]uint16
	w map[uintptr]map[string]bool
	x map[error]int8
)

func sizes() int {
	return len(a) + len(b) + len(c) + len(d) + len(e) + len(f) + len(g) + len(h) + len(i) + len(j) + len(k) + len(l) + len(m) +
		len(n) + len(o) + len(p) + len(q) + len(r) + len(s) + len(t) + len(u) + len(v) + len(w) + len(x)
}

// fill makes the linker keep the types and their DWARF.
func fill(key interface{}) {
	a = map[string]int{"": 1}
	b = map[uint64]byte{1: 1}
	c = map[byte]uint64{1: 1}
	d = map[bytes3]float64{bytes3{}: 1}
	e = map[int16]mixed{1: mixed{}}
	f = map[mixed]int16{mixed{}: 1}
	g = map[string]empty{"": empty{}}
	h = map[uint16]tail{1: tail{}}
	i = map[tail]uint32{tail{}: 1}
	j = map[big]byte{big{}: 1}
	k = map[byte]big{1: big{}}
	l = map[limit]limit{limit{}: limit{}}
	m = map[interface{}]complex64{key: 1}
	n = map[complex128][]string{1: nil}
	o = map[bool]unsafe.Pointer{true: nil}
	p = map[*point]point{nil: point{}}
	q = map[point]*point{point{}: nil}
	r = map[uint32]uint64{1: 1}
	s = map[empty]empty{empty{}: empty{}}
	t = map[chan int]func(){nil: nil}
	u = map[float32][0]uint64{1: [0]uint64{}}
	v = map[[3]uint64][5]uint16{[3]uint64{}: [5]uint16{}}
	w = map[uintptr]map[string]bool{1: nil}
	x = map[error]int8{nil: 1}
}

func main() {
	fill(1)
	println(sizes())
}
