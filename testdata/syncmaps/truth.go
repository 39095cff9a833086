package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime"
)

type typed struct {
	Type  string      `json:"type"`
	Value interface{} `json:"value"`
}

type pair struct {
	Key   interface{} `json:"key"`
	Value interface{} `json:"value"`
}

type inner struct {
	Address string `json:"address"`
	Type    string `json:"type"`
	Len     int    `json:"len"`
	Entries []pair `json:"entries"`
}

type field struct {
	name  string
	value interface{}
}

// A struct's fields in their order, which encoding/json's maps lose.
type fields []field

func (f fields) MarshalJSON() ([]byte, error) {
	out := []byte("{")
	for i, one := range f {
		value, err := json.Marshal(one.value)
		if err != nil {
			return nil, err
		}
		if i != 0 {
			out = append(out, ',')
		}
		out = append(out, fmt.Sprintf("%q:%s", one.name, value)...)
	}
	return append(out, '}'), nil
}

// An interface's value as the contract has it.
func boxedValue(v interface{}) interface{} {
	if v == nil {
		return nil
	}
	return typed{reflect.TypeOf(v).String(), plain(reflect.ValueOf(v))}
}

func number(value float64) interface{} {
	if math.IsNaN(value) {
		return "NaN"
	}
	return value
}

// A value of a known type.
func plain(v reflect.Value) interface{} {
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		return number(v.Float())
	case reflect.Complex64, reflect.Complex128:
		return []float64{real(v.Complex()), imag(v.Complex())}
	case reflect.Ptr:
		return fmt.Sprintf("%#x", v.Pointer())
	case reflect.Array, reflect.Slice:
		list := []interface{}{}
		for i := 0; i < v.Len(); i++ {
			list = append(list, plain(v.Index(i)))
		}
		return list
	case reflect.Struct:
		all := fields{}
		for i := 0; i < v.NumField(); i++ {
			all = append(all, field{v.Type().Field(i).Name, plain(v.Field(i))})
		}
		return all
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		m := inner{fmt.Sprintf("%#x", v.Pointer()), v.Type().String(), v.Len(), []pair{}}
		for _, key := range v.MapKeys() {
			m.Entries = append(m.Entries, pair{plain(key), plain(v.MapIndex(key))})
		}
		return m
	default:
		return v.Interface()
	}
}

type inside struct {
	Live     int  `json:"live"`
	Deleted  int  `json:"deleted"`
	Expunged int  `json:"expunged"`
	Dirty    int  `json:"dirty"`
	Amended  bool `json:"amended"`
	Misses   int  `json:"misses"`
}

type fact struct {
	Map     string `json:"map"`
	Address string `json:"address"`
	Entries []pair `json:"entries"`
	Inside  inside `json:"inside"`
}

func (s *shadow) fact() fact {
	f := fact{s.expression, fmt.Sprintf("%p", s.m), []pair{}, inside{s.inside.live, s.inside.deleted, s.inside.expunged, s.inside.dirty,
		s.inside.amended, s.inside.misses}}
	for i := range s.keys {
		f.Entries = append(f.Entries, pair{boxedValue(s.keys[i]), boxedValue(s.values[i])})
	}
	return f
}

func writeTruth(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	lines := json.NewEncoder(file)
	if err := lines.Encode(map[string]interface{}{"go": runtime.Version(), "pid": os.Getpid(), "dropped": dropped[:]}); err != nil {
		return err
	}
	for _, s := range shadows {
		if err := lines.Encode(s.fact()); err != nil {
			return fmt.Errorf("%s: %v", s.expression, err)
		}
	}
	return file.Close()
}
