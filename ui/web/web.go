//go:build js

// Package web is the part of the browser that honnef.co/go/js/dom/v2 does not cover: files, drops, workers, promises and
// blobs, on syscall/js. It knows nothing of models.
package web

import (
	"errors"
	"fmt"
	"runtime/debug"
	"syscall/js"
)

// OnPanic is told of a panic that Guard caught. The page sets it to show a card.
var OnPanic = func(text string) { js.Global().Get("console").Call("error", text) }

// Recover is to be deferred wherever the browser calls into Go and at the start of each goroutine: an unrecovered panic
// ends the whole program, and the browser would only see a function that returns undefined.
func Recover() {
	if e := recover(); e != nil {
		OnPanic(fmt.Sprintf("%v\n%s", e, debug.Stack()))
	}
}

// Guard wraps a callback for JavaScript. It must not block: start a goroutine for what takes time.
func Guard(fn func(args []js.Value)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		defer Recover()
		fn(args)
		return nil
	})
}

// Go runs fn in a goroutine of its own, under Recover.
func Go(fn func()) {
	go func() {
		defer Recover()
		fn()
	}()
}

// Await blocks the goroutine until the promise is settled. Callbacks must not call it.
func Await(promise js.Value) (js.Value, error) {
	type result struct {
		value js.Value
		err   error
	}
	done := make(chan result, 1)
	ok := Guard(func(args []js.Value) { done <- result{value: first(args)} })
	failed := Guard(func(args []js.Value) { done <- result{err: Error(first(args))} })
	defer ok.Release()
	defer failed.Release()
	promise.Call("then", ok, failed)
	r := <-done
	return r.value, r.err
}

// Pause blocks the goroutine until the browser has had a turn.
func Pause() {
	done := make(chan struct{})
	f := Guard(func([]js.Value) { close(done) })
	defer f.Release()
	js.Global().Call("setTimeout", f, 0)
	<-done
}

func first(args []js.Value) js.Value {
	if len(args) == 0 {
		return js.Undefined()
	}
	return args[0]
}

// Error returns what a JavaScript error says.
func Error(v js.Value) error {
	if v.Type() == js.TypeObject && v.Get("message").Type() == js.TypeString {
		return errors.New(v.Get("message").String())
	}
	return errors.New(js.Global().Call("String", v).String())
}

// Bytes copies an ArrayBuffer or Uint8Array into Go.
func Bytes(v js.Value) []byte {
	if !v.InstanceOf(js.Global().Get("Uint8Array")) {
		v = js.Global().Get("Uint8Array").New(v)
	}
	out := make([]byte, v.Length())
	js.CopyBytesToGo(out, v)
	return out
}

// Array copies bytes into a new Uint8Array.
func Array(data []byte) js.Value {
	v := js.Global().Get("Uint8Array").New(len(data))
	js.CopyBytesToJS(v, data)
	return v
}

// Read returns the content of a File or Blob. The file may have been changed or removed since it was chosen.
func Read(blob js.Value) ([]byte, error) {
	buffer, err := Await(blob.Call("arrayBuffer"))
	if err != nil {
		return nil, fmt.Errorf("the browser could not read it: %w", err)
	}
	return Bytes(buffer), nil
}

// Defined says that v is neither undefined nor null.
func Defined(v js.Value) bool { return !v.IsUndefined() && !v.IsNull() }
