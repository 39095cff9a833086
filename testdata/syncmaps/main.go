// Syncmaps holds sync.Maps in every state, writes down what is in them, and then waits for orders on standard input.
//
// usage: syncmaps TRUTH-FILE
//
//	ping                  "pong"
//	mutate ADDRESS HEX    writes bytes; "ok"
//	restore               takes back what was written; "ok"
//	busy                  stores and deletes without end, in all goroutines it has; "ok"
//	crash                 aborts, for a core
//
// It must build with Go 1.9 and every later version. The truth is kept beside each map: Range would change a map of Go <= 1.23.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

type written struct {
	address uintptr
	before  []byte
}

var undo []written

func bytesAt(address uintptr, count int) []byte {
	p := *(*unsafe.Pointer)(unsafe.Pointer(&address))
	return (*[1 << 20]byte)(p)[:count:count]
}

func mutate(address uintptr, with []byte) {
	place := bytesAt(address, len(with))
	undo = append(undo, written{address, append([]byte(nil), place...)})
	copy(place, with)
}

func restore() {
	for i := len(undo) - 1; i >= 0; i-- {
		copy(bytesAt(undo[i].address, len(undo[i].before)), undo[i].before)
	}
	undo = undo[:0]
}

func hammer(m *sync.Map, seed int) {
	for i := seed; ; i += 7 {
		m.Store(i%5000, i)
		m.Delete((i + 2500) % 5000)
		m.Load(i % 9000)
	}
}

func order(words []string) string {
	switch words[0] {
	case "ping":
		return "pong"
	case "mutate":
		address, err := strconv.ParseUint(words[1], 0, 64)
		with, err2 := hex.DecodeString(words[2])
		if err != nil || err2 != nil {
			return "bad"
		}
		mutate(uintptr(address), with)
	case "restore":
		restore()
	case "busy":
		for i := 0; i < 3; i++ {
			go hammer(&busyMap, i)
		}
	case "crash":
		syscall.Kill(syscall.Getpid(), syscall.SIGABRT)
		select {}
	default:
		return "bad"
	}
	return "ok"
}

// Where maps were that nothing leads to any more: numbers keep nothing alive.
var dropped [200]uintptr

func drop() {
	for i := 0; i < 100*len(dropped); i++ {
		m := map[string]int{"gone": i}
		dropped[i/100] = *(*uintptr)(unsafe.Pointer(&m))
		useMap(m)
	}
}

//go:noinline
func useMap(m map[string]int) {
	escaped = m
	escaped = nil
}

var escaped map[string]int

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: syncmaps TRUTH-FILE")
		os.Exit(2)
	}
	fill()
	drop()
	runtime.GC()
	debug.SetGCPercent(-1) // damaged pointers may lead anywhere
	if err := writeTruth(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "syncmaps:", err)
		os.Exit(1)
	}
	fmt.Println("READY")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) != 0 {
			fmt.Println(order(words))
		}
	}
}
