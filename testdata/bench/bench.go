// What scripts/benchmark looks at: a small map and one large map of ints or of strings, in a process that waits.
//
// usage: bench KIND N        KIND is none, ints or strings
//
// It prints a line "ready COUNT SUM BYTES": the large map's entries, the sum of its elements (and int keys), and for
// strings the sum of each key's first and last byte. Then it answers lines on standard input: "gap" with the longest
// time in nanoseconds that none of its clock's ticks came, since the last "gap"; "check" with a second "ready" line,
// counted anew; the end of the input ends it.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	small   = map[string]int{}
	ints    map[int64]int64
	strings map[string]int
)

var longest int64

// On a thread of its own a tick comes every 100 µs or so, unless the process stands.
func tick() {
	runtime.LockOSThread()
	pause := syscall.Timespec{Nsec: 100000}
	last := time.Now()
	for {
		syscall.Nanosleep(&pause, nil)
		now := time.Now()
		if gap := int64(now.Sub(last)); gap > atomic.LoadInt64(&longest) {
			atomic.StoreInt64(&longest, gap)
		}
		last = now
	}
}

func fill(kind string, n int) {
	for i := 0; i < 10; i++ {
		small["small-"+strconv.Itoa(i)] = i
	}
	switch kind {
	case "ints":
		ints = map[int64]int64{}
		for i := 0; i < n; i++ {
			ints[int64(i)] = int64(i) * 3
		}
	case "strings":
		strings = map[string]int{}
		for i := 0; i < n; i++ {
			strings["user-"+strconv.Itoa(10000000+i)] = i
		}
	}
}

func ready() {
	count, sum, bytes := len(ints)+len(strings), int64(0), int64(0)
	for key, elem := range ints {
		sum += key + elem
	}
	for key, elem := range strings {
		sum += int64(elem)
		bytes += int64(key[0]) + int64(key[len(key)-1])
	}
	fmt.Println("ready", count, sum, bytes)
}

func main() {
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	fill(os.Args[1], n)
	debug.FreeOSMemory()
	debug.SetGCPercent(-1) // nothing is to move or be freed between two runs
	go tick()
	ready()
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		switch input.Text() {
		case "gap":
			fmt.Println(atomic.SwapInt64(&longest, 0))
		case "check":
			ready()
		}
	}
}
