// Zoo is the test program of mapscope: it holds a map of every kind in package-level variables, writes down what is in
// them, and then waits for orders on standard input.
//
// usage: zoo TRUTH-FILE
//
// It must build with Go 1.8 and every later version: nothing newer than 1.8 outside files with a build tag.
package main

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// Fillers of files that only some versions build; they add themselves in init.
var optionalFillers []func()

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: zoo TRUTH-FILE")
		os.Exit(2)
	}
	fillScalars()
	fillComposites()
	fillInterfaces()
	fillPlaces()
	fillStates()
	fillBusy()
	for _, fill := range optionalFillers {
		fill()
	}
	if err := writeTruth(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "zoo:", err)
		os.Exit(1)
	}
	fmt.Println("READY")
	answer(os.Stdin)
	runtime.KeepAlive(registry)
}

func answer(input *os.File) {
	lines := bufio.NewScanner(input)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "ping":
			fmt.Println("pong")
		case "gap":
			fmt.Println(takeGap())
		case "write":
			fmt.Println(setWriter(words[1:]))
		case "crash":
			// The kernel's core: the runtime dies of SIGABRT itself when the traceback level is crash.
			debug.SetTraceback("crash")
			signal.Reset(syscall.SIGABRT)
			syscall.Kill(os.Getpid(), syscall.SIGABRT)
			time.Sleep(time.Hour) // not select {}: finding a deadlock meanwhile would be a second way to die
		case "quit":
			return
		default:
			fmt.Println("unknown order:", words[0])
		}
	}
}
