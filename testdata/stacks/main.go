// Goroutines that hold maps in their locals, and say so. Arguments: the file that the truth goes to, and how many goroutines park
// beside the special ones. Then it answers orders on standard input: ping, trace (a file beside the first), crash.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// A fact is one map in a local variable: MAP is "goroutine ID: frame F: EXPRESSION", F any frame of FUNCTION.
type fact struct {
	Goroutine  uint64 `json:"goroutine"`
	Status     string `json:"status"`
	Function   string `json:"function"`
	Expression string `json:"expression"`
	Type       string `json:"type"`
	Address    string `json:"address"`
	Key        string `json:"key"` // one of its keys, with this value
	Value      int    `json:"value"`
	Length     int    `json:"len"`
	Kind       string `json:"kind"`
}

type facts struct {
	sync.Mutex
	list []fact
	want sync.WaitGroup
}

var truth facts
var release = make(chan bool)
var spinning int32
var sink int
var kept map[string]map[string]int

func goid() uint64 {
	var text [64]byte
	n := runtime.Stack(text[:], false)
	id, _ := strconv.ParseUint(strings.Fields(string(text[:n]))[1], 10, 64)
	return id
}

func addressOf(m map[string]int) string {
	return fmt.Sprintf("0x%x", *(*uintptr)(unsafe.Pointer(&m)))
}

func fill(name string, n int) map[string]int {
	m := make(map[string]int)
	for i := 0; i < n; i++ {
		m[name+strconv.Itoa(i)] = i
	}
	return m
}

//go:noinline
func tell(kind, function, expression, status string, m map[string]int) {
	f := fact{Goroutine: goid(), Status: status, Function: function, Expression: expression, Type: "map[string]int",
		Address: addressOf(m), Length: len(m), Kind: kind}
	for f.Key, f.Value = range m {
		break
	}
	truth.Lock()
	truth.list = append(truth.list, f)
	truth.Unlock()
	truth.want.Done()
}

//go:noinline
func use(m map[string]int) {
	sink += len(m)
}

//go:noinline
func local() {
	m := fill("local", 10)
	tell("local", "main.local", "m", "waiting", m)
	<-release
	use(m)
}

//go:noinline
func parameter(n int, given map[string]int, s string) {
	tell("parameter", "main.parameter", "given", "waiting", given)
	<-release
	use(given)
	sink += n + len(s)
}

type holder struct {
	name  string
	inner map[string]int
	next  *holder
}

//go:noinline
func touch(h *holder) {
	sink += len(h.name)
}

//go:noinline
func fields() {
	h := holder{name: "h", inner: fill("fields", 20)}
	h.next = &holder{inner: fill("next", 3)}
	touch(&h)
	truth.want.Add(1)
	tell("field", "main.fields", "h.inner", "waiting", h.inner)
	tell("field", "main.fields", "h.next.inner", "waiting", h.next.inner)
	<-release
	use(h.inner)
	use(h.next.inner)
}

// The compiler keeps one field of h, and its DWARF says that all of h lies there.
//
//go:noinline
func decomposed() {
	h := holder{inner: fill("decomposed", 20)}
	tell("decomposed", "main.decomposed", "h.inner", "waiting", h.inner)
	<-release
	use(h.inner)
}

//go:noinline
func nested() {
	outer := map[string]map[string]int{"a": fill("nested", 5), "b": nil}
	kept = outer
	tell("nested", "main.nested", `outer["a"]`, "waiting", outer["a"])
	<-release
	kept = outer
}

//go:noinline
func escaped() {
	m := fill("escaped", 4)
	change := func() { m = fill("changed", 6) }
	changed := make(chan bool)
	go func() { change(); changed <- true }()
	<-changed
	tell("escaped", "main.escaped", "m", "waiting", m)
	<-release
	use(m)
	change()
}

//go:noinline
func closure(n int) func() {
	captured := fill("closure", n)
	return func() {
		tell("closure", "main.closure.func1", "captured", "waiting", captured)
		<-release
		use(captured)
	}
}

//go:noinline
func capturedByReference() {
	m := fill("reference", 7)
	done := make(chan bool)
	go func() {
		m = fill("assigned", 8)
		tell("reference", "main.capturedByReference.func1", "m", "waiting", m)
		<-release
		use(m)
		done <- true
	}()
	<-done
	use(m)
}

// inlineHolder is inlined from Go 1.12 on.
func inlineHolder(inlined map[string]int) int {
	wait(inlined)
	return len(inlined)
}

//go:noinline
func wait(m map[string]int) {
	tell("inlined", "main.inlineHolder", "inlined", "waiting", m)
	<-release
}

//go:noinline
func inliner() {
	m := fill("inlined", 12)
	sink += inlineHolder(m)
}

//go:noinline
func deep(level int, m map[string]int) {
	if level == 0 {
		tell("deep", "main.deep", "m", "waiting", m)
		<-release
	} else {
		deep(level-1, m)
	}
	use(m)
}

//go:noinline
func sleeper() {
	m := fill("sleeper", 9)
	tell("sleep", "main.sleeper", "m", "waiting", m)
	time.Sleep(time.Hour)
	use(m)
}

//go:noinline
func locker(lock *sync.Mutex) {
	m := fill("locker", 9)
	tell("mutex", "main.locker", "m", "waiting", m)
	lock.Lock()
	use(m)
}

//go:noinline
func selecter() {
	m := fill("selecter", 9)
	other := make(chan int)
	tell("select", "main.selecter", "m", "waiting", m)
	select {
	case <-release:
	case <-other:
	}
	use(m)
}

//go:noinline
func reader(fd int) {
	var bytes [1]byte
	m := fill("reader", 9)
	tell("syscall", "main.reader", "m", "syscall", m)
	syscall.Read(fd, bytes[:])
	use(m)
}

//go:noinline
func spinner() {
	m := fill("spinner", 9)
	tell("running", "main.spinner", "m", "running", m)
	for atomic.LoadInt32(&spinning) != 0 {
	}
	use(m)
}

//go:noinline
func spinLeaf(m map[string]int) int {
	n := 0
	for atomic.LoadInt32(&spinning) != 0 {
		n++
	}
	return n + len(m)
}

//go:noinline
func spinCaller() {
	m := fill("leaf", 9)
	tell("running", "main.spinCaller", "m", "running", m)
	spinLeaf(m)
	use(m)
}

//go:noinline
func results() (named map[string]int, err error) {
	named = fill("named", 9)
	tell("result", "main.results", "named", "waiting", named)
	<-release
	return named, nil
}

//go:noinline
func iterate() {
	m := fill("iterate", 100)
	for key, value := range m {
		tell("iterating", "main.iterate", "m", "waiting", m)
		<-release
		sink += len(key) + value
		break
	}
	use(m)
}

//go:noinline
func shadow() {
	m := fill("outer", 2)
	if len(m) == 2 {
		m := fill("inner", 3)
		tell("shadowed", "main.shadow", "m", "waiting", m)
		<-release
		use(m)
	}
	use(m)
}

//go:noinline
func deferred() {
	m := fill("deferred", 11)
	defer func() {
		recover()
		tell("deferred", "main.deferred.func1", "m", "waiting", m)
		<-release
		use(m)
	}()
	var none *holder
	sink += len(none.name)
	use(m)
}

func start(count int, functions ...func()) {
	for _, function := range functions {
		truth.want.Add(count)
		for i := 0; i < count; i++ {
			go function()
		}
	}
}

func run(parked int) {
	var lock sync.Mutex
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil {
		panic(err)
	}
	lock.Lock()
	spinning = 1
	start(1, func() { parameter(3, fill("parameter", 10), "text") }, fields, decomposed, nested, escaped, closure(13), capturedByReference, inliner,
		func() { deep(30, fill("deep", 14)) }, sleeper, func() { locker(&lock) }, selecter, func() { reader(pipe[0]) },
		func() { results() }, iterate, shadow, deferred)
	start(parked, local)
	truth.want.Wait()
	start(1, spinner, spinCaller)
	truth.want.Wait()
}

// What the runtime itself says of all stacks.
func trace(path string) {
	text := make([]byte, 1<<24)
	text = text[:runtime.Stack(text, true)]
	file, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	file.Write(text)
	file.Close()
}

func crash() {
	var none *holder
	none.name = "crash"
}

func main() {
	parked, _ := strconv.Atoi(os.Args[2])
	runtime.GOMAXPROCS(4)
	run(parked)
	time.Sleep(100 * time.Millisecond) // all of them have gone to wait
	file, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	encoder := json.NewEncoder(file)
	for _, f := range truth.list {
		encoder.Encode(f)
	}
	file.Close()
	fmt.Println("READY")
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		if orders.Text() == "crash" {
			crash()
		}
		if orders.Text() == "trace" {
			trace(os.Args[1] + ".trace")
		}
		fmt.Println("pong")
	}
}
