// Maps whose keys, values and types hold every byte and what could steer a terminal or break JSON. tests/cases/hostile.py replaces each name that
// begins with placeholder in the finished executable by hostile bytes of the same length: in DWARF, symbols, pclntab and type data.
package main

import (
	"os"
	"strings"
)

type placeholderType struct {
	placeholderField string
	number           int
}

type tagged struct {
	F int "json:\"\x1b[31m\u202e*/\""
}

var (
	bytes                   = map[string]string{}
	odd                     = map[string]string{}
	arrays                  = map[[4]byte]string{}
	runes                   = map[rune]string{}
	anys                    = map[interface{}]interface{}{}
	nested                  = map[string]map[string][]string{}
	tags                    = map[tagged]struct{ G string "\x07\u009b" }{}
	errors                  = map[string]error{}
	placeholderVariableName = map[placeholderType]*placeholderType{}
	cache                   = map[interface{}]map[string]interface{}{}
)

type failure string

func (f failure) Error() string { return string(f) }

var texts = []string{
	"\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b]8;;http://example.com\x1b\\link", "\u0085\u009b31m\u009d", "\u202eabc\u2066def\u2069", "\u200b\u200f\ufeff",
	"\xed\xa0\x80 \xed\xbf\xbf", "\xc0\x80 \xc1\xbf \xe0\x80\x80 \xf0\x80\x80\x80", "\xf4\x90\x80\x80 \xf8\x88\x80\x80\x80", "\xe2\x82", "\x00", "a\x00b", "\r\n\t\v\f\b",
	"\U000e0001\U000e0041", "\u2028\u2029", "\ufffe\uffff", "</script><!--", "\"\\'`$(id)%n%s", "{\"a\": 1}", "\x7f", "\u00ad",
}

func placeholderFunction(ready chan bool) {
	placeholderLocal := map[string]int{}
	for i, text := range texts {
		placeholderLocal[text] = i
	}
	ready <- true
	<-ready
	os.Stdout.WriteString(strings.Repeat("x", len(placeholderLocal)))
}

func main() {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for i := range all {
		bytes[string(all[i:i+1])] = string(all)
		arrays[[4]byte{byte(i), 0x1b, '[', 0x9b}] = string(all[i:])
	}
	for i, text := range texts {
		odd[text] = text
		anys[text] = text
		anys[placeholderType{text, i}] = &placeholderType{text, i}
		anys[failure(text)] = failure(text)
		nested[text] = map[string][]string{text: {text, text}}
		errors[text] = failure(text)
		cache[text] = map[string]interface{}{text: tagged{i}}
		placeholderVariableName[placeholderType{text, i}] = &placeholderType{text, i}
		for _, r := range text {
			runes[r] = text
		}
	}
	anys[tagged{1}] = struct {
		G string "\x07\u009b"
	}{"\x1b"}
	tags[tagged{2}] = struct {
		G string "\x07\u009b"
	}{"\x1b"}
	ready := make(chan bool)
	go placeholderFunction(ready)
	<-ready
	os.Stdout.WriteString("READY\n")
	os.Stdin.Read(make([]byte, 1))
	panic("a core is wanted")
}
