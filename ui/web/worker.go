//go:build js

package web

import "syscall/js"

// Message is what page and worker send to each other: JSON text, and files or byte arrays beside it.
type Message struct {
	Text  string
	Files []js.Value // File, Blob or Uint8Array
}

// value returns the message as an object, and the buffers of its arrays, which are moved and not copied.
func (m Message) value() (object, moved js.Value) {
	files, buffers := js.Global().Get("Array").New(), js.Global().Get("Array").New()
	array := js.Global().Get("Uint8Array")
	for _, f := range m.Files {
		files.Call("push", f)
		if f.InstanceOf(array) {
			buffers.Call("push", f.Get("buffer"))
		}
	}
	object = js.Global().Get("Object").New()
	object.Set("m", m.Text)
	object.Set("b", files)
	return object, buffers
}

func message(v js.Value) Message {
	m := Message{Text: v.Get("m").String()}
	files := v.Get("b")
	for i := range files.Length() {
		m.Files = append(m.Files, files.Index(i))
	}
	return m
}

// Worker is a Web Worker that runs the engine.
type Worker struct {
	js        js.Value
	listeners map[string]js.Func
}

// NewWorker starts a worker from the script at url and posts start to it. Each message calls receive, which must not block; dead
// is called when the script cannot be started or fails.
func NewWorker(url string, start map[string]any, receive func(Message), dead func(text string)) *Worker {
	w := &Worker{js: js.Global().Get("Worker").New(url), listeners: map[string]js.Func{}}
	on := func(event string, fn func([]js.Value)) {
		f := Guard(fn)
		w.listeners[event] = f
		w.js.Call("addEventListener", event, f)
	}
	on("message", func(args []js.Value) { receive(message(args[0].Get("data"))) })
	on("messageerror", func([]js.Value) { dead("a message could not be read") })
	on("error", func(args []js.Value) {
		args[0].Call("preventDefault")
		dead(js.Global().Call("String", args[0].Get("message")).String())
	})
	w.js.Call("postMessage", start)
	return w
}

// Post sends a message. Byte arrays are moved: they are empty here afterwards.
func (w *Worker) Post(m Message) {
	object, moved := m.value()
	w.js.Call("postMessage", object, moved)
}

// Terminate ends the worker at once, whatever it does.
func (w *Worker) Terminate() {
	w.js.Call("terminate")
	for event, f := range w.listeners {
		w.js.Call("removeEventListener", event, f)
		f.Release()
	}
	clear(w.listeners)
}

// Listen is the other end: it calls receive for each message of the page. It is for the program inside a worker.
func Listen(receive func(Message)) {
	js.Global().Call("addEventListener", "message", Guard(func(args []js.Value) { receive(message(args[0].Get("data"))) }))
}

// Reply sends a message from inside a worker to the page.
func Reply(m Message) {
	object, moved := m.value()
	js.Global().Call("postMessage", object, moved)
}
