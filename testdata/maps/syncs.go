// Command syncs holds sync.Maps in a few states, for docs/MAPS.md.
package main

import (
	"fmt"
	"sync"
	"time"
)

var (
	users sync.Map
	ages  sync.Map
	same  sync.Map
)

func main() {
	for _, name := range []string{"ada", "grace", "rob"} {
		users.Store(name, len(name))
	}
	users.Range(func(k, v interface{}) bool { return true })
	users.Delete("rob")
	users.Store("ken", 3)
	users.Load("nobody")
	for i := 0; i < 100; i++ {
		ages.Store(i, i)
	}
	same.Store(1, "an int")
	same.Store(int64(1), "an int64")
	same.Store(uint64(1), "a uint64")
	fmt.Println("ready")
	time.Sleep(time.Hour)
}
