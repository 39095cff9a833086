// Heapspans is a test program of mapscope: objects of many types and sizes in the heap, of which it writes down where they are and
// which of their words hold pointers; variables, finalizers, cleanups, weak pointers; what runtime.ReadMemStats says. Then it waits
// for orders on standard input.
//
// usage: heapspans TRUTH-FILE
//
// It must build with Go 1.8 and every later version: nothing newer than 1.8 outside files with a build tag.
//
// Lines of the truth (tests/unit/heap_spans.c), words in hexadecimal without 0x, "-" for none:
//
//	object ADDRESS BYTES ELEMENT-BYTES DESCRIPTOR PATTERN   an array of values (or one); 1 in the pattern: that word is a pointer
//	tiny ADDRESS BYTES                                      shares a slot with others
//	dead ADDRESS BYTES SLOT-BYTES                           collected and swept
//	variable ADDRESS PATTERN                                of the package
//	finalizer OBJECT FUNCTION, cleanup OBJECT, weak OBJECT
//	waiting OBJECT                                          its finalizer waits to be called
//	figures NUMGC NEXTGC HEAPINUSE HEAPALLOC LIMITED        decimal; LIMITED is 1 where GOMEMLIMIT is set
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

var (
	truth   bytes.Buffer
	keep    []reflect.Value
	blocked = make(chan bool)
)

// Go <= 1.10 counts an interface's type as a pointer too: onebitwalktype1() of cmd/compile/internal/gc/plive.go.
var typeWordIsPointer = strings.HasPrefix(runtime.Version(), "go1.8") || strings.HasPrefix(runtime.Version(), "go1.9") ||
	strings.HasPrefix(runtime.Version(), "go1.10")

// mspan.sweep() of Go 1.22 and 1.23 looks at largeType of a span it has freed, which another thread may have taken by then: a program
// that allocates and frees objects whose types have programs instead of masks dies now and then, in mheap.freeManual().
var sweepCrashes = strings.HasPrefix(runtime.Version(), "go1.22") || strings.HasPrefix(runtime.Version(), "go1.23")

const word = unsafe.Sizeof(uintptr(0))

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: heapspans TRUTH-FILE")
		os.Exit(2)
	}
	debug.SetGCPercent(400)
	allocateAll()
	makeTiny()
	makeDead()
	recordVariables()
	makeFinalizers()
	makeMore()
	debug.SetGCPercent(-1)
	runtime.GC()
	runtime.GC()
	time.Sleep(50 * time.Millisecond) // for the goroutine of finalizers
	debug.SetGCPercent(100)
	allocateLate()
	if err := writeTruth(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "heapspans:", err)
		os.Exit(1)
	}
	fmt.Println("READY")
	answer()
}

// The figures last: nothing is allocated behind them but what the orders need.
func writeTruth(path string) error {
	var stats runtime.MemStats
	line := make([]byte, 0, 256)
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err = file.Write(truth.Bytes()); err != nil {
		return err
	}
	runtime.ReadMemStats(&stats)
	limited := uint64(0)
	if os.Getenv("GOMEMLIMIT") != "" {
		limited = 1
	}
	line = append(line, "figures"...)
	for _, number := range [...]uint64{uint64(stats.NumGC), stats.NextGC, stats.HeapInuse, stats.HeapAlloc, limited} {
		line = strconv.AppendUint(append(line, ' '), number, 10)
	}
	if _, err = file.Write(append(line, '\n')); err != nil {
		return err
	}
	return file.Close()
}

func answer() {
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		switch orders.Text() {
		case "ping":
			fmt.Println("pong")
		case "churn":
			go churn()
			go churn()
			fmt.Println("churning")
		case "crash":
			syscall.Kill(os.Getpid(), syscall.SIGABRT)
		}
	}
}

// KindGCProg of internal/abi/type.go, Go 1.22 and 1.23.
func hasProgram(t reflect.Type) bool {
	descriptor := (*[2]uintptr)(unsafe.Pointer(&t))[1]
	return *(*byte)(unsafe.Pointer(descriptor + 2*word + 7))&(1<<6) != 0
}

// Garbage of all sizes, some of which lives for a while.
func churn() {
	var churned [512]interface{}
	for i := 0; ; i++ {
		t := types[i%len(types)]
		if t.Size() > 1<<17 && i%64 != 0 || sweepCrashes && hasProgram(t) {
			continue
		}
		churned[i*7%len(churned)] = reflect.MakeSlice(reflect.SliceOf(t), i%5, i%5).Interface()
		if i%1000 == 0 {
			runtime.Gosched()
		}
	}
}

// --- objects

func allocateAll() {
	for _, t := range types {
		for _, count := range counts {
			if count == 0 {
				value := reflect.New(t)
				object(value, t, 1)
			} else if t.Size()*uintptr(count) <= 1<<20 {
				object(reflect.MakeSlice(reflect.SliceOf(t), count, count), t, count)
			}
		}
	}
	// longer than an arena of 64 MiB
	object(reflect.MakeSlice(reflect.SliceOf(of((*back)(nil))), 70<<16, 70<<16), of((*back)(nil)), 70<<16)
	for i := 0; i < 3000; i++ {
		t := types[i*7%len(types)]
		if t.Size() < 4096 {
			object(reflect.New(t), t, 1)
		}
	}
}

// Behind the last collection: masks that the collector makes when it needs them are not there yet.
func allocateLate() {
	for _, t := range lateTypes {
		object(reflect.New(t), t, 1)
	}
	for _, t := range types[:20] {
		object(reflect.New(t), t, 1)
	}
}

func object(value reflect.Value, t reflect.Type, count int) {
	pattern := patternOf(t)
	size := t.Size() * uintptr(count)
	if pattern == "-" && size < 16 {
		tiny(value.Pointer(), size)
	} else {
		fmt.Fprintf(&truth, "object %x %x %x %x %s\n", value.Pointer(), size, t.Size(), descriptorOf(t), pattern)
	}
	keep = append(keep, value)
}

// A reflect.Type is an interface that holds the descriptor's address.
func descriptorOf(t reflect.Type) uintptr {
	return (*[2]uintptr)(unsafe.Pointer(&t))[1]
}

func patternOf(t reflect.Type) string {
	bits := make([]byte, t.Size()/word)
	if !mark(t, 0, bits) {
		return "-"
	}
	for i := range bits {
		bits[i] += '0'
	}
	return string(bits)
}

// Which words of a value are pointers, by what Go's specification and reflect say of its type.
func mark(t reflect.Type, offset uintptr, bits []byte) bool {
	set := func(more uintptr) bool {
		bits[offset/word+more] = 1
		return true
	}
	switch t.Kind() {
	case reflect.Ptr, reflect.Map, reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.String, reflect.Slice:
		return set(0)
	case reflect.Interface:
		if typeWordIsPointer {
			set(0)
		}
		return set(1)
	case reflect.Array:
		any := false
		for i := 0; i < t.Len() && (i == 0 || any); i++ {
			any = mark(t.Elem(), offset+uintptr(i)*t.Elem().Size(), bits)
		}
		return any
	case reflect.Struct:
		any := false
		for i := 0; i < t.NumField(); i++ {
			if mark(t.Field(i).Type, offset+t.Field(i).Offset, bits) {
				any = true
			}
		}
		return any
	}
	return false
}

var tinyOnes []*[3]byte

func tiny(address, size uintptr) {
	fmt.Fprintf(&truth, "tiny %x %x\n", address, size)
}

func makeTiny() {
	for i := 0; i < 300; i++ {
		p := new([3]byte)
		tinyOnes = append(tinyOnes, p)
		tiny(uintptr(unsafe.Pointer(p)), 3)
	}
}

// No other object of the program has this size class.
type rare struct {
	p [760]*int
}

var kept []*rare

const rareSlot = 6144

func makeDead() {
	for i := 0; i < 400; i++ {
		r := new(rare)
		if i%2 == 0 {
			kept = append(kept, r)
		} else {
			fmt.Fprintf(&truth, "dead %x %x %x\n", uintptr(unsafe.Pointer(r)), unsafe.Sizeof(*r), rareSlot)
		}
	}
}

// --- variables

var (
	number      = 7
	initialised = struct {
		a    int
		p    *int
		b, c int
		s    string
		i    interface{}
	}{1, &number, 2, 3, "text", &number}
	zero struct {
		pad [9]int
		p   [5]*int
		f   func()
		m   map[string]int
		x   [70]struct {
			n int
			p *int
		}
	}
)

func recordVariables() {
	variable(reflect.ValueOf(&initialised))
	variable(reflect.ValueOf(&zero))
	zero.p[0] = &initialised.b
}

func variable(value reflect.Value) {
	fmt.Fprintf(&truth, "variable %x %s\n", value.Pointer(), patternOf(value.Type().Elem()))
}

// --- records on objects

type finalized struct {
	next *finalized
	v    [3]int
}

var finalizedOnes []*finalized

func makeFinalizers() {
	for i := 0; i < 50; i++ {
		f := &finalized{}
		k := i
		call := func(*finalized) { fmt.Println(k) }
		runtime.SetFinalizer(f, call)
		finalizedOnes = append(finalizedOnes, f)
		fmt.Fprintf(&truth, "finalizer %x %x\n", uintptr(unsafe.Pointer(f)), *(*uintptr)(unsafe.Pointer(&call)))
	}
	makeWaiting()
}

// The goroutine of finalizers takes a block's last one and gets stuck in it: so one of them may wait no more.
func makeWaiting() {
	for i := 0; i < 300; i++ {
		f := &finalized{next: &finalized{}}
		runtime.SetFinalizer(f, func(*finalized) { <-blocked })
		fmt.Fprintf(&truth, "waiting %x\n", uintptr(unsafe.Pointer(f)))
	}
}
