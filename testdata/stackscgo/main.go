// Goroutines in C: asleep there, running there, and called back from there. They wait until standard input ends.
package main

/*
#include <unistd.h>

extern void goBack(int);
static volatile int stop;

static int sleepInC(int n) { sleep(n); return n; }
static int spinInC(int n) { while (!stop) n++; return n; }
static void callBack(int n) { goBack(n); }
*/
import "C"

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"time"
)

var release = make(chan bool)
var sink int

//go:noinline
func use(m map[string]int) {
	sink += len(m)
}

//go:noinline
func fill(n int) map[string]int {
	m := make(map[string]int)
	for i := 0; i < n; i++ {
		m[strconv.Itoa(i)] = i
	}
	return m
}

//export goBack
func goBack(n C.int) {
	inner := fill(int(n))
	<-release
	use(inner)
}

//go:noinline
func sleeper() {
	C.sleepInC(1000)
}

//go:noinline
func spinner() {
	C.spinInC(1)
}

//go:noinline
func caller() {
	C.callBack(5)
}

func main() {
	go sleeper()
	go spinner()
	go caller()
	time.Sleep(200 * time.Millisecond)
	fmt.Println("READY")
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		fmt.Println("pong")
	}
}
