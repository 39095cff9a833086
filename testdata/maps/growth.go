// Command growth holds maps before, in and after growth, for docs/MAPS.md.
package main

import (
	"fmt"
	"time"
	"unsafe"
)

var (
	at200    = map[int64]int64{}
	before   = map[int64]int64{}
	growing  = map[int64]int64{}
	samesize = map[int64]int64{}
	crowded  map[int64]int64
)

// flags returns the flags byte of a classic map's header (hmap.flags).
func flags(m map[int64]int64) byte {
	return *(*byte)(unsafe.Pointer(*(*uintptr)(unsafe.Pointer(&m)) + 8))
}

func main() {
	fill(at200, 200)
	fill(before, 208)
	fill(growing, 209)
	for pass := 0; pass < 100; pass++ {
		for i := int64(0); i < 209; i++ {
			if growing[i] != i {
				panic("lost")
			}
		}
	}
	// A window of 200 entries moves on: deletes leave holes, inserts overflow buckets, until it grows to the same size.
	for i := int64(0); flags(samesize)&8 == 0; i++ {
		samesize[i] = i
		delete(samesize, i-200)
	}
	crowded = make(map[int64]int64, 400000)
	fill(crowded, 400000)
	fmt.Println("ready")
	time.Sleep(time.Hour)
}

func fill(m map[int64]int64, n int64) {
	for i := int64(0); i < n; i++ {
		m[i] = i
	}
}
