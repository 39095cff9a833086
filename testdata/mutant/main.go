// The mutant makes some maps, writes bytes into them where it is told to, and says what Go itself then makes of them.
//
//	maps                        their names, one line
//	mutate ADDRESS HEX          writes; answered by "ok"
//	answer NAME HEADER-SIZE     what lookups, len() and range say: see answer()
//	restore                     takes back what was written; "ok"
//
// Numbers are hexadecimal. Nothing is collected: pointers may lead anywhere.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

type written struct {
	address uintptr
	before  []byte
}

var undo []written

func bytesAt(address uintptr, count int) []byte {
	return (*[1 << 20]byte)(at(address))[:count:count]
}

func number(word string) uintptr {
	value, err := strconv.ParseUint(word, 16, 64)
	if err != nil {
		panic(err)
	}
	return uintptr(value)
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

func named(name string) *subject {
	for _, s := range subjects {
		if s.name == name {
			return s
		}
	}
	panic("no map " + name)
}

func obey(words []string) string {
	switch words[0] {
	case "maps":
		var names []string
		for _, s := range subjects {
			names = append(names, s.name)
		}
		return strings.Join(names, " ")
	case "mutate":
		with, err := hex.DecodeString(words[2])
		if err != nil {
			panic(err)
		}
		mutate(number(words[1]), with)
	case "answer":
		return answer(named(words[1]), int(number(words[2])))
	case "restore":
		restore()
	default:
		panic("what is " + words[0])
	}
	return "ok"
}

func main() {
	debug.SetGCPercent(-1)
	debug.SetPanicOnFault(true)
	for _, s := range subjects {
		s.make()
	}
	fmt.Println("ready")
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		fmt.Println(obey(strings.Fields(orders.Text())))
	}
}
