// A server that is looked at while it works, and a client that checks each of its answers.
//
//	soak serve THREADS   listens on a loopback port, prints "READY ADDRESS", ends when standard input does
//	soak load ADDRESS    asks all the time; prints "ANSWERS WRONG LONGEST" (in microseconds) when standard input ends
//	soak count           prints "READY", ends by itself after a random time below 80 ms
//
// Meanwhile the server writes its maps, starts threads that end, forks and executes programs, collects garbage. Its lines of answer:
// "get K" the value of a key, "signals" how many SIGUSR1 came.
package main

import (
	"bufio"
	"fmt"
	"io"
	"io/ioutil"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const size = 5000

// What a key's value has to be, in any map here.
func value(k int) int { return k*k + 7*k + 3 }

var (
	lock    sync.RWMutex
	table   = map[int]int{}
	texts   = map[string]int{}
	signals int64
	ballast []byte
)

func answer(line string) string {
	if line == "signals" {
		return strconv.FormatInt(atomic.LoadInt64(&signals), 10)
	}
	k, _ := strconv.Atoi(strings.TrimPrefix(line, "get "))
	lock.RLock()
	v, ok := table[k]
	w := texts[strconv.Itoa(k)]
	lock.RUnlock()
	if !ok || v != w {
		return "missing"
	}
	return strconv.Itoa(v)
}

func serve(connection net.Conn) {
	scanner := bufio.NewScanner(connection)
	for scanner.Scan() {
		fmt.Fprintln(connection, answer(scanner.Text()))
	}
	connection.Close()
}

// Entries beyond those that are asked for come and go.
func write() {
	for i := 0; ; i++ {
		k, old := size+i%size, size+(i+size/2)%size
		lock.Lock()
		table[k], texts[strconv.Itoa(k)] = value(k), value(k)
		delete(table, old)
		delete(texts, strconv.Itoa(old))
		lock.Unlock()
		time.Sleep(50 * time.Microsecond)
	}
}

// A locked goroutine's thread ends with it.
func threads() {
	for {
		done := make(chan bool)
		go func() {
			runtime.LockOSThread()
			done <- true
		}()
		<-done
		time.Sleep(2 * time.Millisecond)
	}
}

func programs() {
	for {
		if err := exec.Command("/bin/true").Run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		time.Sleep(30 * time.Millisecond)
	}
}

func collect() {
	for {
		time.Sleep(100 * time.Millisecond)
		ballast = make([]byte, 1<<20)
		runtime.GC()
	}
}

func count(incoming chan os.Signal) {
	for range incoming {
		atomic.AddInt64(&signals, 1)
	}
}

func occupy() {
	runtime.LockOSThread()
	ends := make([]int, 2)
	syscall.Pipe(ends)
	syscall.Read(ends[0], make([]byte, 1))
}

func server(extra int) {
	for k := 0; k < size; k++ {
		table[k], texts[strconv.Itoa(k)] = value(k), value(k)
	}
	incoming := make(chan os.Signal, 100)
	signal.Notify(incoming, syscall.SIGUSR1)
	go count(incoming)
	for i := 0; i < extra; i++ {
		go occupy()
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go write()
	go threads()
	go programs()
	go collect()
	go func() {
		for {
			connection, err := listener.Accept()
			if err == nil {
				go serve(connection)
			}
		}
	}()
	time.Sleep(200 * time.Millisecond)
	fmt.Println("READY", listener.Addr())
	io.Copy(ioutil.Discard, os.Stdin)
}

// One connection: a new one every hundred questions.
func ask(address string, answers, wrong, longest *int64) {
	for {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			atomic.AddInt64(wrong, 1)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		reader := bufio.NewReader(connection)
		for i := 0; i < 100; i++ {
			k := rand.Intn(size)
			began := time.Now()
			fmt.Fprintf(connection, "get %d\n", k)
			line, err := reader.ReadString('\n')
			if err != nil || strings.TrimSpace(line) != strconv.Itoa(value(k)) {
				atomic.AddInt64(wrong, 1)
			}
			atomic.AddInt64(answers, 1)
			if took := int64(time.Since(began) / time.Microsecond); took > atomic.LoadInt64(longest) {
				atomic.StoreInt64(longest, took)
			}
			time.Sleep(time.Millisecond)
		}
		connection.Close()
	}
}

func load(address string) {
	var answers, wrong, longest int64
	for i := 0; i < 4; i++ {
		go ask(address, &answers, &wrong, &longest)
	}
	fmt.Println("READY")
	io.Copy(ioutil.Discard, os.Stdin)
	fmt.Println(atomic.LoadInt64(&answers), atomic.LoadInt64(&wrong), atomic.LoadInt64(&longest))
}

func main() {
	switch os.Args[1] {
	case "serve":
		extra, _ := strconv.Atoi(os.Args[2])
		server(extra)
	case "load":
		load(os.Args[2])
	case "count":
		for k := 0; k < size; k++ {
			table[k] = value(k)
		}
		go threads()
		fmt.Println("READY")
		rand.Seed(time.Now().UnixNano())
		time.Sleep(time.Duration(rand.Intn(80000)) * time.Microsecond)
	}
}
