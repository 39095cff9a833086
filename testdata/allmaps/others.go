package main

import (
	"reflect"
	"sync/atomic"
	"time"
)

// The largest maps, some after they had been larger.
var (
	giantInts    map[int64]int64
	giantWords   map[string]int
	giantDeleted map[int64]int64
	giantUsers   *users
)

func makeGiants(count int) {
	giantInts, giantWords, giantDeleted = map[int64]int64{}, map[string]int{}, map[int64]int64{}
	for i := 0; i < count; i++ {
		giantInts[int64(i)] = int64(-i)
		giantDeleted[int64(i)] = int64(i)
		giantWords[text(uint64(i))] = i
	}
	for i := 10; i < count; i++ {
		delete(giantDeleted, int64(i))
	}
	shared := &user{ID: 1}
	all := make(users)
	for i := 0; i < count/10; i++ {
		all[name(text(uint64(i)))] = shared
	}
	giantUsers = &all
	record(reflect.ValueOf(giantInts), "giant", 0)
	record(reflect.ValueOf(giantWords), "giant", 0)
	record(reflect.ValueOf(giantDeleted), "giant", 0)
	record(reflect.ValueOf(all), "giant", 0)
}

// Maps of types that the linker knows nothing of.
var reflected []interface{}

func makeReflected() {
	for n := 0; n < 8; n++ {
		t := reflect.MapOf(reflect.TypeOf(number(0)), reflect.PtrTo(reflect.ArrayOf(n+7, reflect.TypeOf(point{}))))
		m := makeMap(t, n*3, 0, 1)
		reflected = append(reflected, m.Interface())
		record(m, "type made by reflect", 0)
	}
}

// Objects without maps: a tree, and a list as caches have one.
type leaf struct {
	left, right *leaf
	text        string
	more        []byte
	n           int
}

var tree, list *leaf

func makeLeaves(count int, seed uint64) {
	all := make([]*leaf, count)
	for i := range all {
		all[i] = &leaf{text: text(uint64(i)), n: i, more: make([]byte, 8+mix(seed+uint64(i))%480)}
	}
	for i := count - 1; i > 0; i-- {
		parent := all[(i-1)/2]
		parent.left, parent.right = all[i], parent.left
	}
	tree = all[0]
	for i := 0; i < count/20; i++ {
		list = &leaf{left: list, n: i}
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
