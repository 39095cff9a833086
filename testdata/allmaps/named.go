package main

import (
	"context"
	"reflect"
	"runtime"
	"time"
)

// Maps in places with short names, one in each: what `who` says of them is in tests/golden/who-*.txt.
type (
	treasure map[string]int
	chest    struct {
		label string
		gold  treasure
	}
	room struct {
		number int
		next   *room
		chest  *chest
	}
	guest interface {
		open() treasure
	}
)

func (c *chest) open() treasure { return c.gold }

var (
	vault  treasure
	cellar struct {
		dust [3]int
		deep struct{ chest chest }
	}
	hall     []*chest
	attic    map[string]*chest
	corridor *room
	safe     interface{}
	visitor  guest
	spell    func() int
	post     chan *chest
	twinA    treasure
	twinB    *chest
	shelf    []treasure
	half     []treasure
	grid     [2][3]chest
	ghost    *anchor
	scroll   context.Context
	drawers  = []*chest{{label: "upper"}, {label: "middle"}, {label: "lower"}} // the linker lays out the array and the chests
)

func gold(place string) treasure {
	m := treasure{place: len(place)}
	record(reflect.ValueOf(m), "named: "+place, 0)
	return m
}

func makeNamed() {
	vault = gold("vault")
	cellar.deep.chest = chest{"in the cellar", gold("cellar")}
	hall = []*chest{nil, {"empty", nil}, {"in the hall", gold("hall")}}
	attic = map[string]*chest{"east": {"in the attic", gold("attic")}, "west": nil}
	record(reflect.ValueOf(attic), "named: attic itself", 0)
	for i := 40; i > 0; i-- {
		corridor = &room{number: i, next: corridor}
		if i == 40 {
			corridor.chest = &chest{"at the end", gold("corridor")}
		}
	}
	safe = &chest{"in the safe", gold("safe")}
	visitor = &chest{"the visitor's", gold("visitor")}
	spelled := gold("spell")
	spell = func() int { return len(spelled) }
	post = make(chan *chest, 4)
	post <- &chest{"sent", gold("post")}
	twinA = gold("twins")
	twinB = &chest{"shared", twinA}
	shelf = []treasure{nil, gold("shelf"), nil, nil}
	half = shelf[1:3]
	grid[1][2].gold = gold("grid")
	ghost = &anchor{new(int)}
	haunted := gold("ghost")
	runtime.SetFinalizer(ghost, func(*anchor) { use(len(haunted)) })
	scroll = context.WithValue(context.WithValue(context.Background(), contextKey(1), gold("scroll")), contextKey(2), 2)
	alarm := gold("alarm")
	time.AfterFunc(1000*time.Hour, func() { use(len(alarm)) })
	drawers[2].gold = gold("drawers")
	go guardRoom(gold("guard"), gate)
}

func guardRoom(watched treasure, gate chan bool) {
	<-gate
	use(len(watched))
}
