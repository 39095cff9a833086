// Maps whose keys and values are told from everything else: strings with CANARY in them, numbers of rare digits. Prints READY, answers ping.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
)

const (
	number = 7316253049185
	amount = 8426372158296
	real   = 618033988.75
	prefix = "CANARY-"
)

type point struct {
	X    int64
	Name string
}

type user struct {
	Name  string
	Tags  []string
	Spent *int64
	Big   [40]uint64
}

type box struct {
	inner map[string]int64
	label string
}

var (
	words   = map[string]string{}
	numbers = map[int64]uint64{}
	reals   = map[float64]complex128{real: complex(real, -real), -real: complex(0, real)}
	nested  = map[string]map[int64]string{}
	users   = map[point]user{}
	anys    = map[interface{}]interface{}{}
	bytes   = map[string]string{"\xff" + prefix + "key": "\xff" + prefix + "value"}
	boxes   = map[int64]*box{}
	tags    = map[[2]string][]string{}
	cache   sync.Map
	busy    = map[string]int64{}
)

func fill() {
	for i := int64(0); i < 20; i++ {
		text := fmt.Sprint(prefix, i)
		spent := amount + i
		words[text] = text
		numbers[number+i] = uint64(amount + i)
		nested[text] = map[int64]string{number + i: text}
		users[point{number + i, text}] = user{Name: text, Tags: []string{text}, Spent: &spent, Big: [40]uint64{uint64(spent)}}
		boxes[number+i] = &box{map[string]int64{text: spent}, text}
		tags[[2]string{text, text}] = []string{text}
		cache.Store(text, map[string]int64{text: spent})
	}
	anys[prefix] = map[string]string{prefix: prefix}
	anys[int64(number)] = map[int64]int64{number: amount}
	anys[point{number, prefix}] = map[string]interface{}{prefix: real}
	anys[real] = []interface{}{prefix, int64(number), real}
}

//go:noinline
func hold(own map[string]string, key string, release chan bool) {
	own[key] = key
	<-release
	own[key] = ""
}

// In a map nearly all of the time: it hashes a key of many bytes.
//
//go:noinline
func look(key string) {
	for {
		busy[key]++
	}
}

func main() {
	fill()
	go hold(map[string]string{}, prefix+"local", make(chan bool))
	go look(prefix + strings.Repeat("x", 1<<24))
	fmt.Println("READY")
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		fmt.Println("pong")
	}
}
