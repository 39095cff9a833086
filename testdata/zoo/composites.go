package main

import (
	"unsafe"
)

type Name string

type User struct {
	ID     int32
	Name   Name
	Active bool
	Tags   []string
}

type Users map[Name]*User

type padded struct {
	A int8
	B int64
	c bool
	_ int16
	D int32
}

type zeroTail struct {
	N    int32
	Tail struct{}
}

type blankOnly struct {
	_ int64
	X uint8
	_ [3]byte
}

type Tree map[string]Tree

type Node struct {
	value int
	next  *Node
	m     map[string]*Node
}

type wideKey struct {
	Head  string
	Block [20]int64
}

type exactly128 [16]int64

type Celsius float64

type nested struct {
	Inner struct {
		Deep []map[string]uint8
		Pair [2]padded
	}
	*User
}

var (
	arrayKeys       map[[3]int16][2]string
	emptyArrays     map[[0]int]string
	paddedKeys      map[padded]padded
	zeroTails       map[zeroTail]zeroTail
	blanks          map[blankOnly]blankOnly
	set             map[string]struct{}
	smallSet        map[uint16]struct{}
	zeroToZero      map[struct{}]struct{}
	zeroKeys        map[struct{}]int64
	users           Users
	celsius         map[Celsius]Name
	forest          Tree
	nodes           map[string]*Node
	nodeElems       map[int]Node
	intPointers     map[*int]*string
	rawPointers     map[unsafe.Pointer]unsafe.Pointer
	channels        map[chan int]<-chan string
	functions       map[string]func(int) int
	slices          map[string][]int
	sliceOfSlices   map[int][][]string
	bigKeys         map[[40]int32]int8
	bigStructKeys   map[wideKey]int
	bigElems        map[int8][40]int32
	bigStructElems  map[string]wideKey
	bigBoth         map[wideKey]wideKey
	exactlyInline   map[exactly128]exactly128
	justIndirect    map[[17]int64][17]int64
	byteAndBig      map[byte]uint64
	nestedStructs   map[int]nested
	nestedMaps      map[string]map[int]string
	threeLevels     map[string]map[int]map[bool]string
	slicesOfMaps    map[string][]map[int]int
	structsWithMaps map[string]struct{ M map[string]int }
)

func fillComposites() {
	fillArraysAndStructs()
	fillPointers()
	fillIndirect()
	fillNested()
	for _, pointer := range []struct {
		name string
		m    interface{}
	}{
		{"arrayKeys", &arrayKeys}, {"emptyArrays", &emptyArrays}, {"paddedKeys", &paddedKeys}, {"zeroTails", &zeroTails},
		{"blanks", &blanks}, {"set", &set}, {"smallSet", &smallSet}, {"zeroToZero", &zeroToZero}, {"zeroKeys", &zeroKeys},
		{"users", &users}, {"celsius", &celsius}, {"forest", &forest}, {"nodes", &nodes}, {"nodeElems", &nodeElems},
		{"intPointers", &intPointers}, {"rawPointers", &rawPointers}, {"channels", &channels}, {"functions", &functions},
		{"slices", &slices}, {"sliceOfSlices", &sliceOfSlices}, {"bigKeys", &bigKeys}, {"bigStructKeys", &bigStructKeys},
		{"bigElems", &bigElems}, {"bigStructElems", &bigStructElems}, {"bigBoth", &bigBoth},
		{"exactlyInline", &exactlyInline}, {"justIndirect", &justIndirect}, {"byteAndBig", &byteAndBig},
		{"nestedStructs", &nestedStructs}, {"nestedMaps", &nestedMaps}, {"threeLevels", &threeLevels},
		{"slicesOfMaps", &slicesOfMaps}, {"structsWithMaps", &structsWithMaps},
	} {
		add("main."+pointer.name, pointer.m)
	}
	addCopy(`main.nestedMaps["eu"]`, nestedMaps["eu"], false)
	addCopy(`main.threeLevels["two"][7]`, threeLevels["two"][7], false)
	addCopy(`main.slicesOfMaps["b"][1]`, slicesOfMaps["b"][1], false)
	addCopy(`main.structsWithMaps["full"].M`, structsWithMaps["full"].M, false)
	addCopy(`main.forest["oak"]["branch"]`, forest["oak"]["branch"], false)
	addCopy(`main.nodes["first"].m`, nodes["first"].m, false)
}

func fillArraysAndStructs() {
	arrayKeys = map[[3]int16][2]string{{1, 2, 3}: {"a", ""}, {-1, 0, 32767}: {"世", "\xff"}}
	emptyArrays = map[[0]int]string{{}: "one key only"}
	paddedKeys = map[padded]padded{}
	zeroTails = map[zeroTail]zeroTail{}
	blanks = map[blankOnly]blankOnly{}
	set = map[string]struct{}{}
	smallSet = map[uint16]struct{}{}
	for i := 0; i < 30; i++ {
		key := padded{A: int8(-i), B: int64(i) << 40, c: i%2 == 0, D: int32(i)}
		paddedKeys[key] = padded{A: 1, B: -1, c: true, D: int32(i)}
		zeroTails[zeroTail{N: int32(i)}] = zeroTail{N: int32(-i)}
		blanks[blankOnly{X: uint8(i)}] = blankOnly{X: uint8(2 * i)}
		set[string(rune('a'+i))] = struct{}{}
		smallSet[uint16(1000*i)] = struct{}{}
	}
	zeroToZero = map[struct{}]struct{}{{}: {}}
	zeroKeys = map[struct{}]int64{{}: -5}
	users = Users{"ann": {1, "Ann", true, []string{"x", "y"}}, "bob": {2, "Bob", false, nil}, "none": nil}
	celsius = map[Celsius]Name{-273.15: "zero", 36.6: "body"}
	byteAndBig = map[byte]uint64{1: 1 << 63, 255: 255}
	typed(celsius, func(p unsafe.Pointer, each visitor) {
		for k, v := range *(*map[Celsius]Name)(p) {
			k, v := k, v
			each(unsafe.Pointer(&k), unsafe.Pointer(&v))
		}
	})
}

func fillPointers() {
	number, text := 42, "pointed to"
	intPointers = map[*int]*string{&number: &text, nil: nil, new(int): nil}
	rawPointers = map[unsafe.Pointer]unsafe.Pointer{unsafe.Pointer(&number): nil, nil: unsafe.Pointer(&text)}
	strings := make(chan string, 3)
	strings <- "in flight"
	channels = map[chan int]<-chan string{make(chan int): strings, make(chan int, 5): nil, nil: strings}
	functions = map[string]func(int) int{
		"nil": nil, "plain": plainFunction, "closure": func(i int) int { return i + number },
	}
	slices = map[string][]int{"nil": nil, "empty": {}, "one": {1}, "long": make([]int, 1000)}
	for i := range slices["long"] {
		slices["long"][i] = i * i
	}
	sliceOfSlices = map[int][][]string{0: nil, 1: {nil, {}, {"a", "b"}}}
	first := &Node{value: 1, m: map[string]*Node{}}
	first.next = &Node{2, first, nil}
	first.m["self"] = first
	first.m["next"] = first.next
	nodes = map[string]*Node{"first": first, "nil": nil}
	nodeElems = map[int]Node{1: *first, 2: {}}
}

func plainFunction(i int) int { return 2 * i }

func fillIndirect() {
	bigKeys = map[[40]int32]int8{}
	bigStructKeys = map[wideKey]int{}
	bigElems = map[int8][40]int32{}
	bigStructElems = map[string]wideKey{}
	bigBoth = map[wideKey]wideKey{}
	exactlyInline = map[exactly128]exactly128{}
	justIndirect = map[[17]int64][17]int64{}
	for i := 0; i < 25; i++ {
		numbers := [40]int32{0: int32(i), 39: int32(-i)}
		wide := wideKey{string(rune('A' + i)), [20]int64{19: int64(i)}}
		bigKeys[numbers] = int8(i)
		bigStructKeys[wide] = i
		bigElems[int8(i)] = numbers
		bigStructElems[wide.Head] = wide
		bigBoth[wide] = wide
		exactlyInline[exactly128{15: int64(i)}] = exactly128{0: int64(i)}
		justIndirect[[17]int64{16: int64(i)}] = [17]int64{0: int64(i)}
	}
}

func fillNested() {
	nestedStructs = map[int]nested{1: {User: &User{ID: 1}}, 2: {}}
	full := nested{}
	full.Inner.Deep = []map[string]uint8{nil, {"x": 1}}
	full.Inner.Pair[1].D = 7
	nestedStructs[3] = full
	nestedMaps = map[string]map[int]string{"eu": {7: "seven", 8: "eight"}, "us": {}, "nil": nil}
	threeLevels = map[string]map[int]map[bool]string{
		"one": {1: {true: "t", false: "f"}}, "two": {7: {true: "deep"}, 8: nil, 9: {}},
	}
	slicesOfMaps = map[string][]map[int]int{"a": nil, "b": {{1: 2}, {3: 4, 5: 6}, nil}}
	structsWithMaps = map[string]struct{ M map[string]int }{"nil": {}, "full": {map[string]int{"a": 1}}}
	forest = Tree{"oak": {"branch": {"twig": {"leaf": {"vein": {"cell": {}}}}}, "root": {}}, "nil": nil}
	forest["itself"] = forest
}
