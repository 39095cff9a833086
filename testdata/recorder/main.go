// The recorder makes one random sequence of map operations after the other, does them to a map and writes them down in its
// own memory, for a reader from outside to do the same to another map and to compare the two, byte for byte.
//
//	run KIND SEED OPERATIONS PROFILE HINT LIMIT    answered by "done N" when the map stands still; N: entries of the log
//	kinds                                          answered by their names, a line
//
// LIMIT: after how many entries of the log to stop, to find out where two maps began to differ.
//
// A sequence is determined by its line: also the map's seed is set by it, not left to chance. What chance decides still, where
// iterations begin, is written down.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"unsafe"
)

// What was done. The numbers are known to tests/refmap/play.c.
const (
	opMake     = iota // a: the seed; b: the hint
	opAssign          // key, elem: positions in keys and elems; a: overflow buckets that were counted
	opLookup          // key; found
	opDelete          // key; found: the map got a new seed, a
	opClear           // found: the map got a new seed, a; elem: by deleting all keys, the iteration began at b, key
	opRange           // found: the map is not empty; a, b: where it begins
	opVisit           // key: what the iteration gave
	opRangeEnd        // found: there was nothing left
)

type operation struct {
	what, key, elem, found uint32
	a, b                   uint64
}

var log []operation

// One map type: its map, and what goes into it. Keys and elems are told by their positions.
type kind interface {
	prepare(count int)
	count() int
	same(key int) int
	create(hint int)
	assign(key, elem int)
	lookup(key int) bool
	remove(key int)
	clears() bool
	clear()
	iterate() iteration
	position(key unsafe.Pointer) int
	header() unsafe.Pointer
}

var (
	kinds = map[string]kind{}
	names []string
)

func register(name string, k kind) bool {
	kinds[name] = k
	names = append(names, name)
	return true
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if lines.Text() == "kinds" {
			fmt.Println(strings.Join(names, " "))
			continue
		}
		var name, how string
		var seed uint64
		var operations, hint, limit int
		if n, err := fmt.Sscanf(lines.Text(), "run %s %d %d %s %d %d", &name, &seed, &operations, &how, &hint, &limit); n != 6 {
			fmt.Println("error", err)
			continue
		}
		k, p := kinds[name], profiles[how]
		if k == nil || p == nil {
			fmt.Println("error no such kind or profile")
			continue
		}
		newSequence(k, seed, operations, p).run(hint, limit)
		fmt.Println("done", len(log))
	}
}
