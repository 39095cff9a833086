// Command deletes holds maps from which entries were deleted, for docs/MAPS.md.
package main

import (
	"fmt"
	"time"
)

type big [200]byte

var (
	holes   = map[int64]string{}
	full    = map[int64]string{}
	emptied = map[int64]string{}
	cleared = map[int64]string{}
	refill  = map[int64]string{}

	fat     = map[int64]big{}
	starved = map[int64]big{}
)

func main() {
	fill(holes, 0, 8)
	for _, i := range []int64{2, 6, 7} {
		delete(holes, i)
	}
	fill(full, 0, 800)
	fill(emptied, 0, 800)
	for i := int64(0); i < 800; i++ {
		delete(emptied, i)
	}
	fill(cleared, 0, 800)
	for k := range cleared { // the compiler knows this loop as clear(cleared)
		delete(cleared, k)
	}
	fill(refill, 0, 800)
	for i := int64(0); i < 100000; i++ {
		delete(refill, i)
		fill(refill, i+800, i+801)
	}
	for i := int64(0); i < 8; i++ {
		fat[i] = big{}
		starved[i] = big{}
	}
	for i := int64(1); i < 8; i++ {
		delete(starved, i)
	}
	fmt.Println("ready")
	time.Sleep(time.Hour)
}

func fill(m map[int64]string, from, to int64) {
	for i := from; i < to; i++ {
		m[i] = fmt.Sprint("v", i)
	}
}
