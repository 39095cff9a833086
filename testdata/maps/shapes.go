// Command shapes holds small maps of many types, for docs/MAPS.md.
package main

import (
	"fmt"
	"time"
)

type big128 [128]byte
type big129 [129]byte

var (
	none  map[string]int
	empty = map[string]int{}
	eight = map[int64]string{}
	nine  = map[int64]string{}

	shared = map[string]int{"a": 1}
	alias  = shared

	set   = map[string]struct{}{"a": {}}
	ids   = map[int64]struct{}{1: {}}
	bools = map[int64]bool{1: true}

	inline   = map[big128]int8{{1}: 1}
	indirect = map[big129]int8{{1}: 1}

	hint8   = make(map[int64]int64, zero+8)
	hint9   = make(map[int64]int64, zero+9)
	hint100 = make(map[int64]int64, zero+100)
	hint900 = make(map[int64]int64, zero+900)

	zero    = 0
	witness = new([144]byte)
)

// orders counts the different orders in which range visits m.
func orders(m map[int64]string) int {
	seen := map[string]bool{}
	for i := 0; i < 1000; i++ {
		order := ""
		for k := range m {
			order += fmt.Sprint(k, " ")
		}
		seen[order] = true
	}
	return len(seen)
}

func main() {
	for i := int64(0); i < 9; i++ {
		if i < 8 {
			eight[i] = fmt.Sprint("v", i)
		}
		nine[i] = fmt.Sprint("v", i)
	}
	fmt.Printf("witness %p\n", witness)
	fmt.Println("orders", orders(eight))
	fmt.Println(len(none), len(empty), len(alias), len(set), len(ids), len(bools), len(inline), len(indirect))
	fmt.Println(len(hint8), len(hint9), len(hint100), len(hint900))
	fmt.Println("ready")
	time.Sleep(time.Hour)
	fmt.Println(witness)
}
