package main

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"
)

var ready = make(chan bool)

// identity is the number of the running goroutine; the runtime says it nowhere else.
func identity() int {
	text := make([]byte, 64)
	text = bytes.TrimPrefix(text[:runtime.Stack(text, false)], []byte("goroutine "))
	id, _ := strconv.Atoi(string(text[:bytes.IndexByte(text, ' ')]))
	return id
}

// introduce says where a goroutine will be parked, and with which map.
func introduce(function string, kept *map[string]int) {
	say(function+":kept", unsafe.Pointer(kept), len(*kept), *kept)
	fmt.Println("goroutine", identity(), function, "kept")
	ready <- true
}

//go:noinline
func receiving(from chan int) int {
	kept := words("receiving", 20)
	introduce("main.receiving", &kept)
	return <-from + len(kept)
}

//go:noinline
func selecting(from, to chan int) int {
	kept := words("selecting", 1)
	introduce("main.selecting", &kept)
	select {
	case n := <-from:
		return n + len(kept)
	case to <- len(kept):
		return 0
	}
}

//go:noinline
func sleeping(long time.Duration) int {
	kept := words("sleeping", 300)
	introduce("main.sleeping", &kept)
	time.Sleep(long)
	return len(kept)
}

//go:noinline
func locking(lock *sync.Mutex) int {
	kept := words("locking", 9)
	introduce("main.locking", &kept)
	lock.Lock()
	return len(kept)
}

// deep parks under many frames.
//
//go:noinline
func deep(levels int, from chan int) int {
	kept := words("deep", levels)
	if levels == 40 {
		introduce("main.deep", &kept)
		return <-from + len(kept)
	}
	return deep(levels+1, from) + len(kept)
}

// park starts goroutines and waits until all of them have come to where they stay.
func park() {
	var lock sync.Mutex
	never := make(chan int)
	lock.Lock()
	started := []func() int{
		func() int { return receiving(never) },
		func() int { return selecting(never, nil) },
		func() int { return sleeping(1000 * time.Hour) },
		func() int { return locking(&lock) },
		func() int { return deep(1, never) },
	}
	for _, function := range started {
		go function()
		<-ready
	}
	time.Sleep(50 * time.Millisecond)
	tellStacks()
}

// tellStacks prints the runtime's own tracebacks of the other goroutines, without functions of the runtime.
func tellStacks() {
	text := make([]byte, 1<<20)
	text = text[:runtime.Stack(text, true)]
	for _, stack := range strings.Split(string(text), "\n\n")[1:] {
		lines := strings.Split(stack, "\n")
		functions := []string{"stack", strings.Fields(lines[0])[1]}
		for _, line := range lines[1:] {
			end := strings.LastIndex(line, "(")
			if end < 0 || line[0] == '\t' || strings.HasPrefix(line, "created by ") || strings.HasPrefix(line, "runtime.") {
				continue
			}
			functions = append(functions, line[:end])
		}
		fmt.Println(strings.Join(functions, " "))
	}
}
