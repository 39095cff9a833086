// A heap of many gigabytes of which hardly a page was ever touched: arrays of nil pointers. Its core is a sparse file.
//
// usage: sparse GIGABYTES        prints "ready"; a signal ends it
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
)

const words = 1 << 17 // of an array: 1 MiB

var (
	small  = map[string]int{"one": 1, "two": 2, "three": 3}
	nested = map[int]map[string]int{}
	arrays []*[words]*map[string]int
)

func main() {
	debug.SetGCPercent(-1) // the collector would read all of it
	gigabytes, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	for i := 0; i < 1000; i++ {
		nested[i] = map[string]int{fmt.Sprint(i): i}
	}
	for i := 0; i < gigabytes<<10; i++ {
		arrays = append(arrays, new([words]*map[string]int))
	}
	found := map[string]int{"at the end": gigabytes}
	arrays[len(arrays)-1][words-1] = &found
	fmt.Println("ready")
	select {}
}
