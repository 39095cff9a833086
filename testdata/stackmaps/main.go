// Command stackmaps has goroutines that stand in all the ways in which a stack can hold pointers, dead ones among them. Its collector
// runs where it is told to by "collect" on its standard input, which it answers. So it does "ping", and "spin", from where on
// goroutines run all the time.
package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
	"unsafe"
)

type object struct {
	next  *object
	about [5]int
	more  map[int]*object
}

var (
	block   = make(chan int)
	boxes   = make(chan box)
	started sync.WaitGroup
	sink    int
	locked  sync.Mutex
)

type box struct {
	kept  *object
	count int
	other *object
}

//go:noinline
func newObject(n int) *object {
	return &object{about: [5]int{n}, more: map[int]*object{n: {about: [5]int{n + 1}}}}
}

//go:noinline
func use(o *object) {
	if o != nil {
		sink += o.about[0]
	}
}

//go:noinline
func useBox(b *box) {
	use(b.kept)
	use(b.other)
}

//go:noinline
func wait() {
	started.Done()
	<-block
}

//go:noinline
func waitWith(o *object) {
	wait()
	use(o)
}

func dead(n int) {
	o := newObject(n)
	use(o)
	wait()
}

func alive(n int) {
	o, p := newObject(n), newObject(n+1)
	use(p)
	wait()
	use(o)
}

func argument(n int) {
	waitWith(newObject(n))
}

func deadArgument(n int) {
	o := newObject(n)
	func(o, p *object) {
		use(o)
		wait()
		use(p)
	}(o, newObject(n+1))
}

func stackObject(n int) {
	b := box{kept: newObject(n), other: newObject(n + 1)}
	p := &b
	useBox(p)
	wait()
	useBox(p)
}

func deadStackObject(n int) {
	b := box{kept: newObject(n), other: newObject(n + 1)}
	useBox(&b)
	wait()
}

type link struct {
	next *link
	kept *object
}

//go:noinline
func useLink(l *link) {
	for ; l != nil; l = l.next {
		use(l.kept)
	}
}

func linked(n int) {
	a, lost := link{kept: newObject(n)}, link{kept: newObject(n + 1)}
	b := link{&a, newObject(n + 2)}
	c := &link{&b, newObject(n + 3)}
	useLink(&lost)
	useLink(c)
	wait()
	useLink(c)
}

type wide struct {
	items [300]struct {
		kept *object
		n    int
	}
}

//go:noinline
func useWide(w *wide) {
	for i := range w.items {
		use(w.items[i].kept)
	}
}

func large(n int) {
	var w, lost wide
	for i := range w.items {
		w.items[i].kept, lost.items[i].kept = newObject(n+i), newObject(n-i)
	}
	useWide(&w)
	useWide(&lost)
	wait()
	useWide(&w)
}

func deferred(n int) {
	defer use(newObject(n))
	wait()
}

func deferredInLoop(n int) {
	for i := 0; i < 3; i++ {
		defer use(newObject(n + i))
	}
	wait()
}

func deferredClosure(n int) {
	o, p := newObject(n), newObject(n+1)
	use(p)
	defer func() { use(o) }()
	wait()
}

func closure(n int) {
	o, b := newObject(n), box{kept: newObject(n + 1)}
	f := func() { useBox(&b); wait(); use(o) }
	f()
	f = nil
}

//go:noinline
func fault(n int, p *object) {
	o := newObject(n)
	use(o)
	sink += p.about[2]
	use(o)
}

//go:noinline
func faultAndGoOn(n int, p *object) {
	o, q := newObject(n), newObject(n+1)
	defer func() { recover(); use(o) }()
	use(q)
	sink += p.about[2]
	use(q)
}

func panicking(n int) {
	o := newObject(n)
	defer func() { wait(); recover(); use(o) }()
	fault(n+10, nil)
}

func panickingThrough(n int) {
	defer func() { wait(); recover() }()
	func() {
		defer func() { panic("again") }()
		faultAndGoOn(n, nil)
		panic(newObject(n + 20))
	}()
}

func sending(n int) {
	b := box{kept: newObject(n)}
	started.Done()
	boxes <- b
}

func selecting(n int) {
	o := newObject(n)
	started.Done()
	select {
	case <-block:
		use(o)
	case boxes <- box{other: newObject(n + 1)}:
		use(o)
	}
}

func locking(n int) {
	o := newObject(n)
	started.Done()
	locked.Lock()
	use(o)
}

func sleeping(n int) {
	o := newObject(n)
	started.Done()
	time.Sleep(time.Hour)
	use(o)
}

type method struct{ kept *object }

func (m method) Call(o *object, n int) *object {
	wait()
	use(o)
	return m.kept
}

func made(n int) {
	call := func(arguments []reflect.Value) []reflect.Value {
		wait()
		return arguments[:1]
	}
	var f func(*object, int, box) *object

	f = reflect.MakeFunc(reflect.TypeOf(f), call).Interface().(func(*object, int, box) *object)
	use(f(newObject(n), n, box{kept: newObject(n + 1)}))
}

func methodValue(n int) {
	f := reflect.ValueOf(method{newObject(n)}).Method(0).Interface().(func(*object, int) *object)
	use(f(newObject(n+1), n))
}

func reflected(n int) {
	f := reflect.ValueOf(method{newObject(n)}.Call)
	f.Call([]reflect.Value{reflect.ValueOf(newObject(n + 1)), reflect.ValueOf(n)})
}

type caller interface {
	Call(o *object, n int) *object
}

func dynamic(n int) {
	var c caller = method{newObject(n)}
	use(c.Call(newObject(n+1), n))
}

func variadic(n int) {
	func(values ...interface{}) {
		wait()
		sink += len(values)
	}(newObject(n), box{kept: newObject(n + 1)}, n)
}

func deep(n, depth int) {
	o, p := newObject(n+depth), newObject(n-depth)
	use(p)
	if depth > 0 {
		deep(n, depth-1)
	} else {
		wait()
	}
	use(o)
}

func recursive(n int) { deep(n, 300) }

func results(n int) (o *object, b box) {
	o, b.kept = newObject(n), newObject(n+1)
	defer func() { use(o) }()
	wait()
	return o, b
}

func resulting(n int) {
	o, _ := results(n)
	use(o)
}

var ways = []func(int){dead, alive, argument, deadArgument, stackObject, deadStackObject, linked, large, deferred, deferredInLoop,
	deferredClosure, closure, panicking, panickingThrough, sending, selecting, locking, sleeping, made, methodValue, reflected, dynamic,
	variadic, recursive, resulting}

// breathe has a frame so large that it looks whether there is room, where goroutines before Go 1.14 let others run.
//
//go:noinline
func breathe(n int) int {
	var room [4096]byte

	room[n&4095] = 1
	return int(room[(n+1)&4095])
}

// spinning holds objects in a goroutine that never rests; hidden is where the first one is, as no pointer.
func spinning(n int, hidden *uintptr, work func(o *object, n int) int) {
	o := newObject(n)
	*hidden = ^uintptr(unsafe.Pointer(o))
	started.Done()
	for sum := 0; ; {
		sum += work(o, sum) + breathe(sum)
		if sum == -1 {
			use(o)
		}
	}
}

var works = []func(*object, int) int{
	func(o *object, n int) int { return o.about[n&3] },
	func(o *object, n int) int { return len(newObject(n).more) },
	func(o *object, n int) int { o.next = &object{about: o.about}; return n & 1 },
	func(o *object, n int) int { o.more[n&63] = o; return len(fmt.Sprint(n, o.about)) },
	func(o *object, n int) int { runtime.Gosched(); return o.about[1] + 1 },
	func(o *object, n int) int {
		sum := 0
		for i := 0; i < 100000; i++ {
			sum += o.about[i&3] ^ i
		}
		return sum & 7
	},
}

// spin answers with the addresses of objects that only such goroutines hold.
func spin() string {
	var hidden [12]uintptr

	debug.SetGCPercent(100)
	for i := range hidden {
		started.Add(1)
		go spinning(i, &hidden[i], works[i%len(works)])
	}
	started.Wait()
	line := "spinning"
	for _, address := range hidden {
		line += fmt.Sprintf(" %#x", ^address)
	}
	return line
}

func main() {
	debug.SetGCPercent(-1)
	locked.Lock()
	for round := 0; round < 3; round++ {
		for i, way := range ways {
			way, n := way, round*100000+i*1000
			started.Add(1)
			go func() { way(n) }()
		}
	}
	started.Wait()
	time.Sleep(50 * time.Millisecond)
	fmt.Println("READY")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "ping":
			fmt.Println("pong")
		case "spin":
			fmt.Println(spin())
		case "collect":
			runtime.GC()
			fmt.Println("collected")
		}
	}
}
