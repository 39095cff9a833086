//go:build go1.21
// +build go1.21

package main

var (
	builtinCleared     map[int]int
	builtinClearedText map[string]*int
	refilled           map[string]*int
)

func init() {
	optionalFillers = append(optionalFillers, fillCleared)
}

func fillCleared() {
	fillUpTo(numbers(&builtinCleared), 500)
	clear(builtinCleared)
	fillUpTo(texts(&builtinClearedText), 500)
	clear(builtinClearedText)
	fillUpTo(texts(&refilled), 500)
	clear(refilled)
	fillUpTo(texts(&refilled), 20)
	add("main.builtinCleared", &builtinCleared)
	add("main.builtinClearedText", &builtinClearedText)
	add("main.refilled", &refilled)
}
