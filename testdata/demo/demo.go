// A small service with maps to look at: scripts/demo runs it. Its traffic goes on until somebody ends it.
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

type user struct {
	Name  string
	Age   uint8
	Tags  []string
	Login *time.Time
}

var users = map[string]user{
	"ada":   {Name: "Ada Lovelace", Age: 36, Tags: []string{"admin", "poet's daughter"}},
	"grace": {Name: "Grace Hopper", Age: 85, Tags: []string{"navy"}},
	"rob":   {Name: "Rob", Age: 68},
}

// stock is in units, by city and article.
var stock = map[string]map[int]int{
	"Zürich": {7: 120, 9: 3},
	"Łódź":   {7: 40},
}

var settings = map[string]interface{}{
	"debug":   false,
	"ratio":   0.1,
	"limits":  [2]int{10, 20},
	"backend": struct{ Host string }{"db.internal"},
}

// hits counts requests by path: it changes while the program runs.
var hits = map[string]int{"/": 0, "/login": 0, "/users": 0}

// sessions come and go: deleted ones leave traces in the map.
var sessions = make(map[uint32]string)

func serve(request uint32) {
	paths := []string{"/", "/", "/", "/login", "/users"}
	hits[paths[request%uint32(len(paths))]]++
	sessions[request] = fmt.Sprintf("session-%d", request)
	if request >= 1000 {
		delete(sessions, request-1000)
	}
}

// letUsBeLookedAt allows any process of this user to read this one where Yama restricts that to its parents.
func letUsBeLookedAt() {
	const prSetPtracer = 0x59616d61 // linux/prctl.h
	syscall.RawSyscall(syscall.SYS_PRCTL, prSetPtracer, ^uintptr(0), 0)
}

func main() {
	letUsBeLookedAt()
	for request := uint32(0); ; request++ {
		serve(request)
		if request == 1500 {
			fmt.Println("ready")
		}
		if request >= 1500 {
			time.Sleep(time.Millisecond)
		}
		if len(users) == 0 || len(stock) == 0 || len(settings) == 0 {
			os.Exit(1)
		}
	}
}
