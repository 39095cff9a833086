// Goroutines inside map operations. The first argument says which:
//
//	write, readwrite, iterate: races until the runtime ends the program with its fatal error of that kind
//	busy: goroutines that hash very long keys, each in a map operation nearly all of the time; answers ping and crash
//
// The second argument is the file that the truth goes to, the third how the map is held: global, local, field.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"
)

type fact struct {
	Goroutine uint64 `json:"goroutine"`
	Operation string `json:"operation"`
	Function  string `json:"function"` // that calls the operation
	Type      string `json:"type"`
	Address   string `json:"address"` // of the map's header
	Key       string `json:"key"`     // its first bytes; "" where there is none
}

type holder struct {
	name   string
	counts map[string]int
}

var truth struct {
	sync.Mutex
	list []fact
}
var global = make(map[string]int)
var sink int
var started sync.WaitGroup

func goid() uint64 {
	var text [64]byte
	n := runtime.Stack(text[:], false)
	id, _ := strconv.ParseUint(strings.Fields(string(text[:n]))[1], 10, 64)
	return id
}

func addressOf(m map[string]int) string {
	return fmt.Sprintf("0x%x", *(*uintptr)(unsafe.Pointer(&m)))
}

//go:noinline
func tell(operation, function, address, key string) {
	truth.Lock()
	truth.list = append(truth.list, fact{goid(), operation, function, "map[string]int", address, key})
	truth.Unlock()
	started.Done()
	started.Wait()
}

func save(path string) {
	file, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	encoder := json.NewEncoder(file)
	for _, f := range truth.list {
		encoder.Encode(f)
	}
	file.Close()
}

// --- races ------------------------------------------------------------------------------------------------------------

func keys(prefix string) []string {
	var all []string
	for i := 0; i < 1000; i++ {
		all = append(all, prefix+strconv.Itoa(i))
	}
	return all
}

//go:noinline
func writeGlobal(prefix string) {
	all := keys(prefix)
	tell("assign", "main.writeGlobal", addressOf(global), prefix)
	for i := 0; ; i++ {
		global[all[i%len(all)]] = i
	}
}

//go:noinline
func readGlobal(prefix string) {
	all := keys(prefix)
	tell("access", "main.readGlobal", addressOf(global), prefix)
	for i := 0; ; i++ {
		sink += global[all[i%len(all)]]
	}
}

//go:noinline
func iterateGlobal() {
	tell("iterate", "main.iterateGlobal", addressOf(global), "")
	for {
		for _, value := range global {
			sink += value
		}
	}
}

//go:noinline
func writeLocal(m map[string]int, prefix string) {
	all := keys(prefix)
	tell("assign", "main.writeLocal", addressOf(m), prefix)
	for i := 0; ; i++ {
		m[all[i%len(all)]] = i
	}
}

//go:noinline
func readLocal(m map[string]int, prefix string) {
	all := keys(prefix)
	tell("access", "main.readLocal", addressOf(m), prefix)
	for i := 0; ; i++ {
		sink += m[all[i%len(all)]]
	}
}

//go:noinline
func iterateLocal(m map[string]int) {
	tell("iterate", "main.iterateLocal", addressOf(m), "")
	for {
		for _, value := range m {
			sink += value
		}
	}
}

//go:noinline
func (h *holder) write(prefix string) {
	all := keys(prefix)
	tell("assign", "main.(*holder).write", addressOf(h.counts), prefix)
	for i := 0; ; i++ {
		h.counts[all[i%len(all)]] = i
	}
}

//go:noinline
func (h *holder) read(prefix string) {
	all := keys(prefix)
	tell("access", "main.(*holder).read", addressOf(h.counts), prefix)
	for i := 0; ; i++ {
		sink += h.counts[all[i%len(all)]]
	}
}

//go:noinline
func (h *holder) iterate() {
	tell("iterate", "main.(*holder).iterate", addressOf(h.counts), "")
	for {
		for _, value := range h.counts {
			sink += value
		}
	}
}

// The functions that write, read and iterate a map that is held so.
func racers(held string) (write, read func(string), iterate func()) {
	switch held {
	case "global":
		return writeGlobal, readGlobal, iterateGlobal
	case "local":
		m := make(map[string]int)
		return func(prefix string) { writeLocal(m, prefix) }, func(prefix string) { readLocal(m, prefix) }, func() { iterateLocal(m) }
	}
	h := &holder{name: held, counts: make(map[string]int)}
	return h.write, h.read, h.iterate
}

func race(kind, path, held string) {
	write, read, iterate := racers(held)
	started.Add(3)
	go write("left")
	switch kind {
	case "write":
		go write("right")
	case "readwrite":
		go read("right")
	case "iterate":
		go iterate()
	}
	for {
		truth.Lock()
		all := len(truth.list) == 2
		truth.Unlock()
		if all {
			break
		}
		time.Sleep(time.Millisecond)
	}
	save(path)
	started.Done()
	select {}
}

// --- busy -------------------------------------------------------------------------------------------------------------

const long = 64 << 20

var newer []func(string) // what newer versions have
var kept []interface{}   // so that maps are in the heap and stay where they are

//go:noinline
func assigner(key string) {
	m := make(map[string]int)
	kept = append(kept, m)
	tell("assign", "main.assigner", addressOf(m), key[:8])
	for i := 0; ; i++ {
		m[key] = i
	}
}

//go:noinline
func accessor(key string) {
	m := map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9}
	kept = append(kept, m)
	tell("access", "main.accessor", addressOf(m), key[:8])
	for {
		sink += m[key]
	}
}

//go:noinline
func deleter(key string) {
	m := map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9}
	kept = append(kept, m)
	tell("delete", "main.deleter", addressOf(m), key[:8])
	for {
		delete(m, key)
	}
}

//go:noinline
func reflector(key string) {
	m := make(map[string]int)
	value, k, v := reflect.ValueOf(m), reflect.ValueOf(key), reflect.ValueOf(1)
	kept = append(kept, m)
	tell("assign", "main.reflector", addressOf(m), key[:8])
	for {
		value.SetMapIndex(k, v)
	}
}

func busy(path string) {
	orders := bufio.NewScanner(os.Stdin)
	for _, function := range append([]func(string){assigner, accessor, deleter, reflector}, newer...) {
		started = sync.WaitGroup{}
		started.Add(1)
		text := fmt.Sprintf("key%05d", len(truth.list)) + strings.Repeat("x", long)
		go function(text)
		time.Sleep(50 * time.Millisecond)
		started.Wait()
	}
	time.Sleep(50 * time.Millisecond)
	save(path)
	fmt.Println("READY")
	for orders.Scan() {
		if orders.Text() == "crash" {
			var none *holder
			none.name = "crash"
		}
		fmt.Println("pong")
	}
}

func main() {
	runtime.GOMAXPROCS(6)
	if os.Args[1] == "busy" {
		busy(os.Args[2])
	}
	race(os.Args[1], os.Args[2], os.Args[3])
}
