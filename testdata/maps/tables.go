// Command tables holds Swiss maps (Go 1.24 and later) of several tables, for docs/MAPS.md.
package main

import (
	"fmt"
	"time"
	"unsafe"
)

var (
	one   = map[int64]int64{}
	two   = map[int64]int64{}
	split = map[int64]int64{}
)

// directory returns the length of a Swiss map's directory (maps.Map.dirLen).
func directory(m map[int64]int64) int {
	return *(*int)(unsafe.Pointer(*(*uintptr)(unsafe.Pointer(&m)) + 24))
}

func main() {
	for i := int64(0); i < 896; i++ {
		one[i] = i
	}
	for i := int64(0); i < 897; i++ {
		two[i] = i
	}
	for i := int64(0); directory(split) < 4; i++ {
		split[i] = i
	}
	fmt.Println("ready")
	time.Sleep(time.Hour)
}
