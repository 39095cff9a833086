package main

import (
	"fmt"
	"os"
	"strconv"
	"unsafe"
)

// Maps in the states of their life: sizes around the boundaries, in growth, after deletes. Each state is made for a map
// without pointers and one with, since the runtime treats their overflow buckets differently.

var (
	sized   [10]map[int]int
	sizedBy [10]map[string]*int

	half, sameSize, mostDeleted, allDeleted, cleared, beforeGrowth, afterGrowth, tombstones, directory, smallDeleted, halfWay map[int]int

	halfText, sameSizeText, mostDeletedText, allDeletedText, clearedText, beforeGrowthText, afterGrowthText,
	tombstonesText, directoryText, smallDeletedText, halfWayText map[string]*int

	halfWide map[int][2]string
	big      map[string]int
)

// One state, made through functions that hide the type of the map.
type mutable struct {
	m      interface{}
	insert func(i int)
	remove func(i int)
	header func() unsafe.Pointer
	len    func() int
}

func numbers(m *map[int]int) mutable {
	*m = map[int]int{}
	return mutable{
		m, func(i int) { (*m)[i] = -i }, func(i int) { delete(*m, i) },
		func() unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(m)) }, func() int { return len(*m) },
	}
}

func texts(m *map[string]*int) mutable {
	*m = map[string]*int{}
	return mutable{
		m, func(i int) { (*m)["key "+strconv.Itoa(i)] = new(int) }, func(i int) { delete(*m, "key "+strconv.Itoa(i)) },
		func() unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(m)) }, func() int { return len(*m) },
	}
}

func fillStates() {
	for i, size := range []int{0, 1, 7, 8, 9, 14, 15, 104, 1024, 5000} {
		fillUpTo(numbers(&sized[i]), size)
		fillUpTo(texts(&sizedBy[i]), size)
		add(fmt.Sprintf("main.sized[%d]", i), &sized[i])
		add(fmt.Sprintf("main.sizedBy[%d]", i), &sizedBy[i])
	}
	makeStates("", []mutable{numbers(&half), numbers(&sameSize), numbers(&mostDeleted), numbers(&allDeleted), numbers(&cleared),
		numbers(&beforeGrowth), numbers(&afterGrowth), numbers(&tombstones), numbers(&directory), numbers(&smallDeleted),
		numbers(&halfWay)})
	makeStates("Text", []mutable{texts(&halfText), texts(&sameSizeText), texts(&mostDeletedText), texts(&allDeletedText),
		texts(&clearedText), texts(&beforeGrowthText), texts(&afterGrowthText), texts(&tombstonesText), texts(&directoryText),
		texts(&smallDeletedText), texts(&halfWayText)})
	for k := range cleared {
		delete(cleared, k)
	}
	for k := range clearedText {
		delete(clearedText, k)
	}
	cleared[1] = 1
	halfWide = map[int][2]string{}
	growAbove(mutable{
		&halfWide, func(i int) { halfWide[i] = [2]string{strconv.Itoa(i), "wide"} }, nil,
		func() unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&halfWide)) }, func() int { return len(halfWide) },
	}, 100)
	add("main.halfWide", &halfWide)
	fillBig()
}

// The order is that of the variables above.
func makeStates(suffix string, m []mutable) {
	names := []string{"half", "sameSize", "mostDeleted", "allDeleted", "cleared", "beforeGrowth", "afterGrowth", "tombstones",
		"directory", "smallDeleted", "halfWay"}
	growAbove(m[0], 100)
	churnToSameSize(m[1])
	fillUpTo(m[2], 1000)
	removeFirst(m[2], 900)
	fillUpTo(m[3], 300)
	removeFirst(m[3], 300)
	fillUpTo(m[4], 300)
	fillUpTo(m[5], mostBeforeGrowth())
	fillUpTo(m[6], mostBeforeGrowth()+1)
	fillUpTo(m[7], 800)
	for i := 0; i < 800; i += 3 {
		m[7].remove(i)
	}
	fillUpTo(m[8], 10000)
	fillUpTo(m[9], 8)
	removeFirst(m[9], 5)
	growAbove(m[10], 400)
	for i := 100000; i < 100008; i++ { // some more buckets evacuated, not all
		m[10].insert(i)
	}
	for i := range m {
		add("main."+names[i]+suffix, m[i].m)
	}
}

// mostBeforeGrowth is a number of entries where one more makes the map grow: found by trying in a classic map (the load
// factor is not the same in all versions), the most that a Swiss table of 1024 slots takes otherwise.
func mostBeforeGrowth() int {
	if implementation == "swiss" {
		return 7 * 8 * 16
	}
	var probe map[int]int
	m := numbers(&probe)
	growAbove(m, 100)
	return m.len() - 1
}

func fillUpTo(m mutable, size int) {
	for i := 0; i < size; i++ {
		m.insert(i)
	}
}

func removeFirst(m mutable, count int) {
	for i := 0; i < count; i++ {
		m.remove(i)
	}
}

// growAbove inserts until a classic map with more than size entries has just begun to grow.
func growAbove(m mutable, size int) {
	for i := 0; i < 4*size; i++ {
		grew := growing(m.header())
		m.insert(i)
		if m.len() > size && !grew && growing(m.header()) {
			return
		}
	}
}

// churnToSameSize keeps about 90 entries, ever new ones, until a classic map has so many overflow buckets that it grows
// into itself. A Swiss map only collects tombstones.
func churnToSameSize(m mutable) {
	for i := 0; i < 200000; i++ {
		m.insert(i)
		if sameSizeGrowing(m.header()) {
			return
		}
		if i >= 90 {
			m.remove(i - 90)
		}
	}
}

func fillBig() {
	size := 1000000
	if text := os.Getenv("ZOO_BIG"); text != "" {
		size, _ = strconv.Atoi(text)
	}
	big = make(map[string]int)
	for i := 0; i < size; i++ {
		big["key-"+strconv.Itoa(i)] = i
	}
	typed(big, func(p unsafe.Pointer, each visitor) {
		for k, v := range *(*map[string]int)(p) {
			k, v := k, v
			each(unsafe.Pointer(&k), unsafe.Pointer(&v))
		}
	})
	add("main.big", &big)
}
