// Maps that are written as fast as the machine can, each by a goroutine of its own, with entries that tell whether they are whole: a value is a
// function of its key. Prints READY; ends when standard input does.
package main

import (
	"fmt"
	"io"
	"io/ioutil"
	"os"
	"strconv"
)

type wide [4]int

// Zero is no value of a key.
func value(k int) int { return k*k + 7*k + 3 }

func wideValue(k int) wide { return wide{value(k), k, ^k, value(k) + 1} }

// Long enough to lie in several lines of a cache, so that it could be torn.
func text(k int) string {
	return strconv.Itoa(k) + "-" + strconv.Itoa(value(k)) + "-................................................................"
}

var (
	few     = map[int]int{}
	ints    = map[int]int{}
	texts   = map[string]string{}
	wides   = map[int]wide{}
	growth  = map[int]int{}
	emptied = map[string]int{}
)

// As many entries all the time, always others.
func turn(size int, put func(int), drop func(int)) {
	for k := 0; ; k++ {
		put(k)
		if k >= size {
			drop(k - size)
		}
	}
}

// Grows from nothing, again and again.
func regrow() {
	for {
		growth = map[int]int{}
		for k := 0; k < 20000; k++ {
			growth[k] = value(k)
		}
	}
}

// Is filled and emptied, as one map.
func empty() {
	for {
		for k := 0; k < 2000; k++ {
			emptied[text(k)] = value(k)
		}
		for k := range emptied {
			delete(emptied, k)
		}
	}
}

func main() {
	go turn(6, func(k int) { few[k] = value(k) }, func(k int) { delete(few, k) })
	go turn(1000, func(k int) { ints[k] = value(k) }, func(k int) { delete(ints, k) })
	go turn(1000, func(k int) { texts[text(k)] = text(value(k)) }, func(k int) { delete(texts, text(k)) })
	go turn(5000, func(k int) { wides[k] = wideValue(k) }, func(k int) { delete(wides, k) })
	go regrow()
	go empty()
	fmt.Println("READY")
	io.Copy(ioutil.Discard, os.Stdin)
}
