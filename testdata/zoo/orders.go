package main

import (
	"sync/atomic"
	"time"
)

// busy is written without end by one goroutine while "write busy on" lasts. Every elem is three times its key, so a
// reader can tell a torn entry from a good one.
var busy map[int]int

const busyKeys = 5000

func fillBusy() {
	busy = make(map[int]int)
	for i := 0; i < busyKeys; i++ {
		busy[i] = 3 * i
	}
	add("main.busy", &busy)
}

var (
	busyStop chan struct{}
	busyDone chan struct{}
)

func setWriter(words []string) string {
	if len(words) != 2 || words[0] != "busy" {
		return "usage: write busy on|off"
	}
	if words[1] == "on" && busyStop == nil {
		busyStop, busyDone = make(chan struct{}), make(chan struct{})
		go writeBusy(busyStop, busyDone)
	} else if words[1] == "off" && busyStop != nil {
		close(busyStop)
		<-busyDone
		busyStop = nil
	}
	return "ok"
}

// writeBusy moves a window of keys: always one inserted and one deleted, so growth, evacuation and splits go on.
func writeBusy(stop, done chan struct{}) {
	defer close(done)
	for i := busyKeys; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		busy[i] = 3 * i
		delete(busy, i-busyKeys)
	}
}

// The longest time in ns between two ticks since the last question. Ticks begin with the first question.
var (
	longestGap int64
	ticking    bool
)

func takeGap() int64 {
	if !ticking {
		ticking = true
		go tick()
		return 0
	}
	return atomic.SwapInt64(&longestGap, 0)
}

func tick() {
	last := time.Now()
	for {
		time.Sleep(200 * time.Microsecond)
		now := time.Now()
		if gap := int64(now.Sub(last)); gap > atomic.LoadInt64(&longestGap) {
			atomic.StoreInt64(&longestGap, gap)
		}
		last = now
	}
}
