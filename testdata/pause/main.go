// A process of so many megabytes and threads that sees for itself how long it stands still.
//
//	pause MEGABYTES THREADS
//
// One thread of it looks at the clock every 100 µs, by system calls that the scheduler does not know of. Prints READY; to each line on its
// standard input it answers with the longest time between two looks since the last line, in nanoseconds. There is no collection of
// garbage, which would stop it too.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// 128 bytes, an object in a heap with pointers to follow.
type node struct {
	next, other *node
	name        string
	more        [12]int
}

var (
	small   = map[string]int{}
	big     = map[string]int{}
	nodes   []*node
	ballast [][]byte
	longest int64
)

func fill(m map[string]int, count int) {
	for i := 0; i < count; i++ {
		m["key "+strconv.Itoa(i)] = i
	}
}

// A quarter of it is objects with pointers, the rest is not.
func grow(megabytes int) {
	for i := 0; i < megabytes*1024*1024/4/128; i++ {
		n := &node{name: "node"}
		if i > 0 {
			n.other = nodes[len(nodes)/2]
		}
		nodes = append(nodes, n)
	}
	for i := 0; i < megabytes*3/4; i++ {
		piece := make([]byte, 1<<20)
		for j := 0; j < len(piece); j += 4096 {
			piece[j] = 1
		}
		ballast = append(ballast, piece)
	}
}

// SCHED_FIFO, before all others, where that is permitted.
func watch() {
	runtime.LockOSThread()
	priority := int32(50)
	syscall.RawSyscall(syscall.SYS_SCHED_SETSCHEDULER, 0, 1, uintptr(unsafe.Pointer(&priority)))
	nap := syscall.Timespec{Nsec: 100000}
	for last := time.Now(); ; {
		syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&nap)), 0, 0)
		now := time.Now()
		if gap := int64(now.Sub(last)); gap > atomic.LoadInt64(&longest) {
			atomic.StoreInt64(&longest, gap)
		}
		last = now
	}
}

func idle() {
	runtime.LockOSThread()
	for {
		time.Sleep(20 * time.Millisecond)
	}
}

func main() {
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(8)
	megabytes, _ := strconv.Atoi(os.Args[1])
	threads, _ := strconv.Atoi(os.Args[2])
	fill(small, 10000)
	fill(big, 1000000)
	grow(megabytes)
	for i := 0; i < threads; i++ {
		go idle()
	}
	go watch()
	time.Sleep(100 * time.Millisecond)
	fmt.Println("READY")
	for scanner := bufio.NewScanner(os.Stdin); scanner.Scan(); {
		fmt.Println(atomic.SwapInt64(&longest, 0))
	}
}
