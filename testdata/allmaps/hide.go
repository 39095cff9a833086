package main

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"
	"unsafe"
)

// One type of maps, and how they are hidden.
type kind struct {
	name        string
	t           reflect.Type
	hide        func(place string, value interface{}) reflect.Type
	stack       func(size int, r *report)
	stackStruct func(size int, r *report)
	keys, elems reflect.Value   // arrays to fill, for maps on the stack
	outer       []reflect.Value // maps that have such maps in them
}

// A goroutine with a map on its stack answers where that is.
type report struct {
	ask, answer chan bool
	address     uintptr
	size        int
	t           reflect.Type
	place       string
}

type anchor struct{ p *int }

type contextKey int

// Roots of the places that are the same for all types.
var (
	kinds    []kind
	moreMaps []reflect.Value
	reports  []*report

	efaces   []interface{}
	sizeds   []sized
	closures []func() int
	anchors  []*anchor
	atomics  []*atomic.Value
	cells    []unsafe.Pointer
	pools    []*sync.Pool
	chain    = context.Background()

	gate = make(chan bool)
	sink int
)

func use(n int) { sink += n }

var commonPlaces = []string{
	"struct", "slice of structs", "nested struct", "array", "slice", "slice of slices", "pointer", "interior pointer",
	"interface", "interface, struct behind", "interface with methods", "interface with methods, direct", "closure by value",
	"closure by reference", "closure of a struct", "method value", "channel", "channel of pointers", "list", "map elem", "map key",
	"timer", "finalizer", "context", "atomic.Value", "nested interfaces",
}

// Each costs a goroutine.
var goroutinePlaces = []string{"parameter", "local", "local, address taken", "defer", "defer in a loop", "being sent", "on stack",
	"on stack, in a struct"}

// Places of later Go versions, by type.
var morePlaces []string
var moreHides = map[string]map[string]func(value interface{}){}

func hideMoreOf(kind, place string, hide func(value interface{})) {
	if moreHides[place] == nil {
		moreHides[place] = map[string]func(value interface{}){}
		morePlaces = append(morePlaces, place)
	}
	moreHides[place][kind] = hide
}

// hideMore puts the map into a place that is the same for all types, or of a later version.
func hideMore(kind, place string, value interface{}) reflect.Type {
	switch place {
	case "interface":
		efaces = append(efaces, value)
	case "nested interfaces":
		efaces = append(efaces, []interface{}{nil, struct{ inner interface{} }{value}})
	case "context":
		chain = context.WithValue(chain, contextKey(len(notes)), value)
	case "atomic.Value":
		v := new(atomic.Value)
		v.Store(value)
		atomics = append(atomics, v)
	case "sync.Pool":
		pool := new(sync.Pool)
		pool.Put(value)
		pools = append(pools, pool)
	case "unsafe.Pointer":
		cells = append(cells, (*[2]unsafe.Pointer)(unsafe.Pointer(&value))[1])
	default:
		hide := moreHides[place][kind]
		if hide == nil {
			return nil
		}
		hide(value)
	}
	return reflect.TypeOf(value)
}

// put makes a map and hides it.
func put(k *kind, place string, size, deleted, hint int, seed uint64) {
	if place == "on stack" || place == "on stack, in a struct" {
		startReport(k, place, size%13)
		return
	}
	m := makeMapHint(k.t, hint)
	fillMap(m, size, deleted, seed)
	if t := k.hide(place, m.Interface()); t != nil {
		recordAddress(m.Pointer(), m.Len(), t, place, 0)
	}
}

func startReport(k *kind, place string, size int) {
	if size > variety(k.t.Key()) {
		size = variety(k.t.Key())
	}
	r := &report{make(chan bool), make(chan bool), 0, 0, k.t, place}
	reports = append(reports, r)
	if place == "on stack" {
		go k.stack(size, r)
	} else {
		go k.stackStruct(size, r)
	}
}

// collectReports asks the goroutines where their maps are now: stacks move as they grow, and in a collection.
func collectReports() {
	for _, r := range reports {
		r.ask <- true
		<-r.answer
		recordAddress(r.address, r.size, r.t, r.place, onStack)
	}
}

// recordOuters records the maps that other maps were put into.
func recordOuters() {
	for i := range kinds {
		for _, m := range kinds[i].outer {
			record(m, "variable of maps", 0)
		}
	}
	for _, m := range moreMaps {
		record(m, "variable of maps", 0)
	}
}
