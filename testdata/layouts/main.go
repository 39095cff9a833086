// Layouts has in its DWARF the runtime's structs that tools outside of a Go program need; it also writes down what its maps hold, for
// readers made from those layouts alone. It works with every Go version from 1.8 on.
package main

import (
	"fmt"
	"os"
	"reflect"
	"sort"
)

type stringer interface {
	String() string
}

type name string

func (n name) String() string { return string(n) }

// words has string keys, small stays in one bucket or group, deleted has holes in between. large has just begun to grow where maps do so step by
// step: with more than 6.5 * 1024 entries.
var (
	words    = map[string]int{"one": 1, "two": 2, "three": 3}
	small    = map[uint64]uint64{7: 49, 11: 121}
	large    = map[uint64]uint64{}
	deleted  = map[uint64]uint64{}
	channel  = make(chan name, 4)
	stringed stringer
	anything interface{}
)

func fill() {
	for i := uint64(0); i < 6660; i++ {
		large[i*2654435761] = i
		deleted[i] = i * i
	}
	for i := uint64(0); i < 6660; i++ {
		if i%3 != 0 {
			delete(deleted, i)
		}
	}
	channel <- name("x")
	stringed, anything = name("y"), words
}

// touch has the linker keep the descriptors of all kinds of types.
func touch() {
	for _, value := range []interface{}{stringed, anything, channel, touch, [3]int{}, []string{}, struct{ A, B int }{}, &words} {
		kind := reflect.TypeOf(value)
		if kind.Kind() == reflect.Struct {
			anything = kind.Field(0)
		}
	}
	if _, is := anything.(stringer); is {
		fmt.Println(stringed.String())
	}
}

func write(label string, m map[uint64]uint64) {
	keys := make([]uint64, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	fmt.Printf("%s %d %p\n", label, len(m), m)
	for _, key := range keys {
		fmt.Printf("%d %d\n", key, m[key])
	}
}

func main() {
	fill()
	touch()
	useSync()
	write("small", small)
	write("large", large)
	write("deleted", deleted)
	fmt.Println("ready")
	os.Stdin.Read(make([]byte, 1))
	fmt.Println(len(words), len(small), len(large), len(deleted))
}
