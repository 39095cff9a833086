// Gdb is what the tests of the GDB plug-in look at: maps in parameters, locals, registers, fields, slices and globals, and
// goroutines that are parked with maps on their stacks.
//
// usage: gdb [ENTRIES]        ENTRIES are those of main.large (default 1000)
//
// It says what it has, a line a map and a line a goroutine, then READY:
//
//	map NAME ADDRESS LEN TYPE     NAME is FUNCTION:EXPRESSION, or EXPRESSION of globals
//	goroutine ID FUNCTION MAP     it is parked under FUNCTION, which has a map as its local MAP
//	stack ID FUNCTION...          of a parked goroutine, the innermost first, without those of the runtime
//
// Then its main goroutine stands in read(2), on the main thread, under main.hold; an order on standard input, "crash", makes it
// panic there, and the end of the input ends it. It must build with Go 1.17 and every later version.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"unsafe"
)

type user struct {
	Name string
	Age  uint8
	Tags []string
}

type store struct {
	name   string
	byID   map[int]string
	inner  struct{ byName map[string]int }
	shards []map[string]int
	boxed  interface{}
	next   *store
}

var (
	users   = map[string]user{"ada": {"Ada", 36, []string{"admin", "a\tb\x1b[31m"}}, "rob": {"Rob", 68, nil}}
	large   = map[string]int{}
	missing map[string]int
	root    = &store{name: "root"}
	places  = map[struct{ X, Y int }]struct{ Name string }{{1, 2}: {"here"}, {3, 4}: {"there"}}
)

func init() {
	runtime.LockOSThread() // main.hold is on thread 1
}

// header is where a map's header is: what its variable holds.
func header(variable unsafe.Pointer) uintptr {
	return *(*uintptr)(variable)
}

func say(name string, variable unsafe.Pointer, length int, example interface{}) {
	fmt.Printf("map %s %#x %d %T\n", name, header(variable), length, example)
}

func words(prefix string, n int) map[string]int {
	m := map[string]int{}
	for i := 0; i < n; i++ {
		m[prefix+strconv.Itoa(i)] = i
	}
	return m
}

func fill(entries int) {
	for i := 0; i < entries; i++ {
		large["user-"+strconv.Itoa(10000000+i)] = i
	}
	for s, depth := root, 0; depth < 3; s, depth = s.next, depth+1 {
		s.byID = map[int]string{depth: "zero", depth + 1: "one"}
		s.inner.byName = words("name", 30)
		s.shards = []map[string]int{words("a", 3), nil, words("c", 200)}
		s.boxed = words("boxed", 2)
		s.next = &store{name: "next"}
	}
}

func tell() {
	say("main.users", unsafe.Pointer(&users), len(users), users)
	say("main.large", unsafe.Pointer(&large), len(large), large)
	say("main.missing", unsafe.Pointer(&missing), 0, missing)
	say("main.places", unsafe.Pointer(&places), len(places), places)
	say("main.root.next.byID", unsafe.Pointer(&root.next.byID), len(root.next.byID), root.next.byID)
}

// inRegisters has its maps nowhere else, when the compiler optimises: GDB stops at its entry.
//
//go:noinline
func inRegisters(first map[string]int, n int, second map[int]string) int {
	return len(first) + n + len(second)
}

// hold has the maps that are looked at in the main goroutine's frames.
//
//go:noinline
func hold(parameter map[string]int, pointer *store, value store) int {
	local := map[uint32][]string{7: {"seven"}, 9: nil}
	list := []map[string]int{words("x", 5), words("y", 90)}
	nothing := map[string]bool(nil)
	say("main.hold:parameter", unsafe.Pointer(&parameter), len(parameter), parameter)
	say("main.hold:local", unsafe.Pointer(&local), len(local), local)
	say("main.hold:list.array[1]", unsafe.Pointer(&list[1]), len(list[1]), list[1])
	say("main.hold:list[1]", unsafe.Pointer(&list[1]), len(list[1]), list[1])
	say("main.hold:pointer.shards[0]", unsafe.Pointer(&pointer.shards[0]), len(pointer.shards[0]), pointer.shards[0])
	say("main.hold:nothing", unsafe.Pointer(&nothing), 0, nothing)
	say("main.hold:pointer.inner.byName", unsafe.Pointer(&pointer.inner.byName), len(pointer.inner.byName), pointer.inner.byName)
	say("main.hold:value.shards.array[2]", unsafe.Pointer(&value.shards[2]), len(value.shards[2]), value.shards[2])
	say("main.hold:pointer.next.byID", unsafe.Pointer(&pointer.next.byID), len(pointer.next.byID), pointer.next.byID)
	total := inRegisters(parameter, 42, pointer.byID)
	fmt.Println("READY")
	obey(os.Stdin)
	return total + len(parameter) + len(local) + len(list) + len(nothing) + len(pointer.name) + len(value.name)
}

func obey(input *os.File) {
	lines := bufio.NewScanner(input)
	for lines.Scan() {
		switch lines.Text() {
		case "ping":
			fmt.Println("pong")
		case "crash":
			debug.SetTraceback("crash")
			panic("told to")
		}
	}
}

func main() {
	entries := 1000
	if len(os.Args) > 1 {
		entries, _ = strconv.Atoi(os.Args[1])
	}
	debug.SetGCPercent(-1) // stacks stay where they are
	fill(entries)
	tell()
	park()
	os.Exit(hold(words("p", 100), root, *root) & 1)
}
