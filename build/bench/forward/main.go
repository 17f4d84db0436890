//go:build js

// Command forward is Dropquant's side of the benchmark: it runs in a worker, and times the engine's own forward passes.
// The worker calls the functions that it sets on the global `api`.
package main

import (
	"encoding/json"
	"fmt"
	"syscall/js"

	"dropquant/engine/tensor"
)

// calls are what the worker may ask for. Times are in milliseconds.
var calls = map[string]func(s *session, args []js.Value) (any, error){
	"load": func(s *session, args []js.Value) (any, error) {
		if err := s.load(bytesOf(args[0])); err != nil {
			return nil, err
		}
		return s.info(), nil
	},
	"feed": func(s *session, args []js.Value) (any, error) {
		js.CopyBytesToGo(s.inputBytes(), args[0])
		return nil, nil
	},
	"run": func(s *session, args []js.Value) (any, error) {
		return timed(args[0].Int(), s.run)
	},
	"outputs": func(s *session, _ []js.Value) (any, error) { return s.results() },
	"observe": func(s *session, args []js.Value) (any, error) {
		if err := s.watch(); err != nil {
			return nil, err
		}
		return timed(args[0].Int(), s.observe)
	},
	"quantized": func(s *session, args []js.Value) (any, error) {
		return nil, s.quantized(bytesOf(args[0]), args[1].String(), args[2].String())
	},
	"integers": func(s *session, args []js.Value) (any, error) {
		return timed(args[0].Int(), s.runIntegers)
	},
	"decode": func(s *session, args []js.Value) (any, error) {
		return timed(args[0].Int(), s.decode)
	},
	"photo": func(s *session, args []js.Value) (any, error) {
		s.photos, s.preset = append(s.photos, bytesOf(args[0])), args[1].String()
		return nil, nil
	},
	"prepare": func(s *session, _ []js.Value) (any, error) { return nil, s.prepare() },
	"product": func(_ *session, args []js.Value) (any, error) { return product(args[0].Int()), nil },
	"layers":  func(s *session, args []js.Value) (any, error) { return s.layers(args[0].Int()) },
}

func main() {
	s := &session{}
	api := js.Global().Get("Object").New()
	for name, call := range calls {
		api.Set(name, js.FuncOf(func(_ js.Value, args []js.Value) any {
			value, err := call(s, args)
			if err != nil {
				return js.Global().Get("Promise").Call("reject", js.Global().Get("Error").New(err.Error()))
			}
			return toJS(value)
		}))
	}
	js.Global().Call("serve", api)
	select {}
}

// results returns the outputs as an object of Float32Arrays.
func (s *session) results() (any, error) {
	out, err := s.plain.Run(s.feeds(), nil)
	if err != nil {
		return nil, err
	}
	object := js.Global().Get("Object").New()
	for name, t := range out {
		if t.DType != tensor.Float32 {
			continue
		}
		array := js.Global().Get("Uint8Array").New(4 * t.Len())
		js.CopyBytesToJS(array, view(t.F32()))
		object.Set(name, js.Global().Get("Float32Array").New(array.Get("buffer")))
	}
	return object, nil
}

func bytesOf(v js.Value) []byte {
	data := make([]byte, v.Length())
	js.CopyBytesToGo(data, v)
	return data
}

// toJS turns what a call gives into what can be posted: JavaScript's own values stay, the rest goes through JSON.
func toJS(value any) js.Value {
	if v, ok := value.(js.Value); ok {
		return v
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("bug: %v", err))
	}
	return js.Global().Get("JSON").Call("parse", string(text))
}
