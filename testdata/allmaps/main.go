// Allmaps is a test program of mapscope: thousands of maps of many types in all the places that hold maps, objects that look
// like maps, and maps that nothing holds any more. It writes down where they are, and waits for orders on standard input.
//
// usage: allmaps TRUTH-FILE small|large [SEED]
//
// tests/harness/allmaps.py fills in the templates for each type of kinds.txt. It must build with Go 1.8 and every later
// version: nothing newer than 1.8 outside files with a build tag.
package main

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

// How much of everything.
type scale struct {
	rounds    int // of a map of each type in each place
	threads   int // rounds in which goroutines hold maps too
	decoys    int
	garbage   int // maps of each type, of before and of after the last collection
	giant     int // entries of the largest maps
	leaves    int // other objects
	unsafeOne int // one of so many rounds has maps that only an unsafe.Pointer holds
}

var scales = map[string]scale{
	"small": {3, 1, 22000, 4, 100000, 20000, 3},
	"large": {18, 1, 900000, 30, 1000000, 1500000, 6},
}

type optionalPlace struct {
	place string
	hide  func(value interface{})
}

// Of files that only some versions build.
var (
	optionalPlaces []optionalPlace
	atTheEnd       []func()
)

func main() {
	if len(os.Args) < 3 || scales[os.Args[2]].rounds == 0 {
		fmt.Fprintln(os.Stderr, "usage: allmaps TRUTH-FILE small|large [SEED]")
		os.Exit(2)
	}
	seed := uint64(1)
	if len(os.Args) > 3 {
		seed, _ = strconv.ParseUint(os.Args[3], 10, 64)
	}
	build(scales[os.Args[2]], mix(seed))
	if err := writeTruth(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "allmaps:", err)
		os.Exit(1)
	}
	notes, decoys = nil, nil
	fmt.Println("READY")
	answer(os.Stdin)
}

func build(s scale, seed uint64) {
	debug.SetGCPercent(400)
	for _, k := range kinds {
		fillElements(k.keys, 0)
		fillElements(k.elems, seed%1000)
	}
	for _, more := range optionalPlaces {
		hide := more.hide
		for i := range kinds {
			hideMoreOf(kinds[i].name, more.place, hide)
		}
	}
	blockFinalizers()
	for round := 0; round < s.rounds; round++ {
		putRound(s, round, mix(seed+uint64(round)))
	}
	makeGiants(s.giant)
	makeReflected()
	makeNamed()
	recordOuters()
	for _, finish := range atTheEnd {
		finish()
	}
	makeDecoys(s.decoys, seed)
	makeLeaves(s.leaves, seed)
	state = swept
	makeGarbage(s.garbage, seed)
	debug.SetGCPercent(-1)
	runtime.GC()
	runtime.GC()
	state = live
	for i := range kinds {
		put(&kinds[i], "sync.Pool", i%9, 0, 0, seed)
	}
	state = fresh
	makeGarbage(s.garbage, seed+1)
	state = live
	collectReports()
}

func putRound(s scale, round int, seed uint64) {
	all := append(append([]string{}, commonPlaces...), morePlaces...)
	if round < s.threads {
		all = append(all, goroutinePlaces...)
	}
	if round == 0 {
		all = append(all, "variable", "finalizer queue")
	}
	if round%s.unsafeOne == 0 {
		all = append(all, "unsafe.Pointer")
	}
	for i := range kinds {
		for j, place := range all {
			n := mix(seed + uint64(i*1000+j))
			size, deleted, hint := sizes(n)
			put(&kinds[i], place, size, deleted, hint, n)
		}
	}
}

// sizes says how many entries a map has, how many more had been there, and what it was made for.
func sizes(n uint64) (size, deleted, hint int) {
	r := int(n >> 8 % 1000)
	switch {
	case r < 150:
		size = 0
	case r < 300:
		size = 1
	case r < 550:
		size = 2 + r%6
	case r < 650:
		size = 8
	case r < 750:
		size = 9
	case r < 940:
		size = 10 + r%50
	case r < 996:
		size = 61 + r*7%240
	default:
		size = 1000
	}
	if n%8 == 0 {
		deleted = 2 * size
	}
	if n%16 == 1 {
		hint = 100
	}
	return size, deleted, hint
}

// blockFinalizers keeps the goroutine that runs finalizers busy for ever: what comes next stays in its queue.
func blockFinalizers() {
	started := make(chan bool)
	func() {
		runtime.SetFinalizer(&anchor{new(int)}, func(*anchor) {
			close(started)
			<-gate
		})
	}()
	for {
		runtime.GC()
		select {
		case <-started:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// makeGarbage makes maps of each type that are forgotten, alone and with what holds them.
func makeGarbage(count int, seed uint64) {
	done := make(chan bool)
	go func() {
		for i := range kinds {
			var held []interface{}
			for j := 0; j < count; j++ {
				size, deleted, hint := sizes(mix(seed + uint64(i*100+j)))
				m := makeMapHint(kinds[i].t, hint)
				fillMap(m, size, deleted, seed+uint64(j))
				record(m, "garbage", 0)
				held = append(held, &struct{ m interface{} }{m.Interface()})
			}
			use(len(held))
		}
		done <- true
	}()
	<-done
}

func answer(input *os.File) {
	lines := bufio.NewScanner(input)
	for lines.Scan() {
		switch lines.Text() {
		case "ping":
			fmt.Println("pong")
		case "gap":
			fmt.Println(takeGap())
		case "gc": // for testing the fixture: after this garbage is gone, and stacks may have moved
			runtime.GC()
			runtime.GC()
			fmt.Println("ok")
		case "crash":
			debug.SetTraceback("crash")
			signal.Reset(syscall.SIGABRT)
			syscall.Kill(os.Getpid(), syscall.SIGABRT)
			time.Sleep(time.Hour)
		case "quit":
			return
		default:
			fmt.Println("unknown order")
		}
	}
}
