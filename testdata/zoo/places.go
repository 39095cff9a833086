package main

// Maps that are not variables themselves: in structs, arrays, slices, pointers and interfaces, in cycles.

type inner struct {
	deep  map[string]int
	empty map[int]int
}

type shelf struct {
	label string
	books map[int]string
}

type ring struct {
	m    map[string]int
	next *ring
}

type embedded struct {
	shelf
	*inner
	any interface{}
}

var (
	reg          = struct{ nested *inner }{&inner{map[string]int{"deep": 1, "down": 2}, nil}}
	structure    embedded
	sliceOfMaps  []map[string]int
	arrayOfMaps  [3]map[int]bool
	shelves      [2]shelf
	shelfSlice   []*shelf
	mapPointer   *map[string]int
	mapPointer2  **map[string]int
	shelfPointer **shelf
	start        *ring
	nilShelf     *shelf
	nilMap       map[string]int
	emptyMap     map[string]int
	hintedMap    map[string]int
	hintedSmall  map[int]int
)

func fillPlaces() {
	add("main.reg.nested.deep", &reg.nested.deep)
	add("main.reg.nested.empty", &reg.nested.empty)
	structure = embedded{shelf{"s", map[int]string{1: "one"}}, &inner{deep: map[string]int{"e": 5}}, []map[int]int{{1: 1}}}
	add("main.structure.shelf.books", &structure.shelf.books)
	add("main.structure.inner.deep", &structure.inner.deep)
	addCopy("main.structure.any[0]", structure.any.([]map[int]int)[0], true)
	sliceOfMaps = []map[string]int{{"zero": 0}, nil, {}, {"three": 3, "drei": 3}}
	add("main.sliceOfMaps[0]", &sliceOfMaps[0])
	add("main.sliceOfMaps[1]", &sliceOfMaps[1])
	add("main.sliceOfMaps[3]", &sliceOfMaps[3])
	arrayOfMaps = [3]map[int]bool{1: {1: true}}
	add("main.arrayOfMaps[1]", &arrayOfMaps[1])
	shelves = [2]shelf{{"a", map[int]string{1: "a1"}}, {"b", map[int]string{2: "b2"}}}
	add("main.shelves[1].books", &shelves[1].books)
	shelfSlice = []*shelf{nil, {"c", map[int]string{3: "c3"}}}
	add("main.shelfSlice[1].books", &shelfSlice[1].books)
	mapPointer = &map[string]int{"by": 1, "pointer": 2}
	add("*main.mapPointer", mapPointer)
	second := &map[string]int{"two": 2}
	mapPointer2 = &second
	add("**main.mapPointer2", second)
	pointed := &shelf{"p", map[int]string{9: "nine"}}
	shelfPointer = &pointed
	add("(*main.shelfPointer).books", &pointed.books)
	start = &ring{m: map[string]int{"first": 1}}
	start.next = &ring{map[string]int{"second": 2}, start}
	add("main.start.m", &start.m)
	add("main.start.next.m", &start.next.m)
	emptyMap = map[string]int{}
	hintedMap = make(map[string]int, 1000)
	hintedSmall = make(map[int]int, 5)
	add("main.nilMap", &nilMap)
	add("main.emptyMap", &emptyMap)
	add("main.hintedMap", &hintedMap)
	add("main.hintedSmall", &hintedSmall)
	if nilShelf != nil {
		panic("zoo: nilShelf is set")
	}
}
