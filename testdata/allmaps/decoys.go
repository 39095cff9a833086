package main

import "unsafe"

// Objects of 48 bytes that look like maps, and are held by what has a type that says they are none.
var (
	looks    []*look
	lookShop = map[int]*look{}
	byteBags []*[48]byte
	wordBags []*[6]uintptr
	plains   []interface{}
	owned    = struct {
		first *look
		rest  []interface{}
	}{}
)

type (
	plainFirst struct {
		p *int
		n [5]int
	}
	plainText struct {
		s    string
		n    [3]int
		last *int
	}
	plainAll struct{ p [6]*int }
)

func recordDecoy(p unsafe.Pointer, kind string) {
	decoys = append(decoys, decoy{uintptr(p), placeNumber("decoy: " + kind)})
}

func keepLook(l *look, kind string) {
	recordDecoy(unsafe.Pointer(l), kind)
	switch len(looks) % 16 {
	case 1:
		lookShop[len(lookShop)] = l
		fallthrough
	case 2:
		owned.first = l
		owned.rest = append(owned.rest, l)
	}
	looks = append(looks, l)
}

// makeDecoys makes this many in all, a twentieth at a time of each kind.
func makeDecoys(count int, seed uint64) {
	templates := smallHeaders()
	for i := 0; i < count/20; i++ {
		n := mix(seed + uint64(i))
		for j := uint64(0); j < 4; j++ {
			keepLook(emptyLook(n+j), "empty")
			keepLook(smallLook(n+j, decoyData(n+j)), "small count, sound pointer")
			keepLook(randomLook(n+j, decoyData(n+j)), "random numbers")
		}
		template := (*look)(templates[i%len(templates)])
		header := new(look)
		*header = *template
		keepLook(header, "copy of a header")
		if i%5 == 0 {
			keepLook(twin(template), "copy of a header and its entries")
		}
		bytes := *(*[48]byte)(unsafe.Pointer(template))
		byteBags = append(byteBags, &bytes)
		recordDecoy(unsafe.Pointer(&bytes), "copy of a header, as bytes")
		words := *(*[6]uintptr)(unsafe.Pointer(template))
		wordBags = append(wordBags, &words)
		recordDecoy(unsafe.Pointer(&words), "copy of a header, as words")
		makePlains(int(n))
	}
}

func makePlains(n int) {
	p := &n
	first, text, all := &plainFirst{p: p}, &plainText{s: "plain", n: [3]int{1, 2, 3}, last: p}, &plainAll{[6]*int{2: p, 3: p, 5: p}}
	plains = append(plains, first, text, all)
	recordDecoy(unsafe.Pointer(first), "another struct of this size")
	recordDecoy(unsafe.Pointer(text), "another struct of this size")
	recordDecoy(unsafe.Pointer(all), "another struct of this size")
}

func decoyData(n uint64) unsafe.Pointer {
	switch n % 3 {
	case 0:
		return unsafe.Pointer(new([unitSize]byte))
	case 1:
		return unsafe.Pointer(new([8]uint64))
	}
	filled := new([unitSize]byte)
	for i := range filled {
		filled[i] = byte(mix(n + uint64(i)))
	}
	return unsafe.Pointer(filled)
}

// smallHeaders are those of maps that decoys are copies of.
func smallHeaders() []unsafe.Pointer {
	var found []unsafe.Pointer
	for i := 0; i < 50; i++ {
		m := map[int64]int64{}
		for j := 0; j < 1+i%8; j++ {
			m[int64(i*j)] = int64(j)
		}
		copied = append(copied, m)
		found = append(found, *(*unsafe.Pointer)(unsafe.Pointer(&m)))
	}
	return found
}

// Maps that decoys are copies of.
var copied []map[int64]int64

// twin is a map in all but its type: the header and the entries are those of a map, each byte.
func twin(template *look) *look {
	header, unit := new(look), new([unitSize]byte)
	*header = *template
	*unit = *(*[unitSize]byte)(*template.data())
	*header.data() = unsafe.Pointer(unit)
	return header
}
