package main

import (
	"reflect"
	"time"
	"unsafe"
)

type (
	empty   interface{}
	stringy interface {
		String() string
	}
	pair struct {
		p *int
		n int
	}
	back struct {
		n int
		p *int
	}
	mixed struct {
		a, b int
		s    string
		c    int
		i    interface{}
		t    time.Time
		l    []string
		f    func() error
		e    stringy
		u    unsafe.Pointer
		q    uintptr
	}
	early struct {
		p   *int
		pad [1000]int
	}
	late struct {
		pad [1000]int
		p   *int
	}
	sparse struct {
		a pair
		x [61]int
		b back
		y [127]int
		c *int
		z [3]byte
	}
	nested struct {
		one  mixed
		many [9]back
		more [3][5]pair
	}
	halfKilo struct {
		p [63]*int
		n int
	}
	overHalf struct {
		n int
		p [64]*int
	}
	program struct {
		head [3]int
		a    [20000]back
		b    [100]int
		c    [3]*int
		tail [5000]int
	}
	notYet struct {
		head *int
		a    [25000]pair
		x    [700]int
		b    [40]nested
		tail [90]int
	}
)

// 0: new(T), N: make([]T, N)
var counts = []int{0, 1, 2, 3, 5, 7, 16, 21, 64, 100, 341, 1000, 4095, 4096, 4097, 20000, 100000}

var types = []reflect.Type{
	of((*byte)(nil)), of((*uint16)(nil)), of((*int)(nil)), of((*[3]int)(nil)), of((*[100]byte)(nil)), of((*[600]byte)(nil)),
	of((*[40000]byte)(nil)), of((**int)(nil)), of((*string)(nil)), of((*[]int)(nil)), of((*empty)(nil)), of((*stringy)(nil)),
	of((*map[string]int)(nil)), of((*chan int)(nil)), of((*func())(nil)), of((*unsafe.Pointer)(nil)), of((*uintptr)(nil)),
	of((*pair)(nil)), of((*back)(nil)), of((*mixed)(nil)), of((*early)(nil)), of((*late)(nil)), of((*sparse)(nil)), of((*nested)(nil)),
	of((*halfKilo)(nil)), of((*overHalf)(nil)), of((*[3]pair)(nil)), of((*[5]back)(nil)), of((*[33]mixed)(nil)), of((*[63]*int)(nil)),
	of((*[64]*int)(nil)), of((*[65]*int)(nil)), of((*[4095]*int)(nil)), of((*[4096]*int)(nil)), of((*[4097]*int)(nil)),
	of((*[130]back)(nil)), of((*[2000]pair)(nil)), of((*[16384]*int)(nil)), of((*[16385]*int)(nil)), of((*[20000]back)(nil)),
	of((*program)(nil)), of((*[7]program)(nil)),
	// reflect makes these, and their masks
	reflect.ArrayOf(11, of((*pair)(nil))),
	reflect.ArrayOf(300, of((*mixed)(nil))),
	reflect.ArrayOf(17001, of((*string)(nil))),
}

var lateTypes = []reflect.Type{
	of((*[30001]back)(nil)), of((*[200]nested)(nil)), of((*notYet)(nil)), of((*[3]notYet)(nil)), of((*[2][9001]mixed)(nil)),
	reflect.ArrayOf(18007, of((*back)(nil))),
}

func of(pointer interface{}) reflect.Type {
	return reflect.TypeOf(pointer).Elem()
}
