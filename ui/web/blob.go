//go:build js

package web

import (
	"errors"
	"syscall/js"
)

// Blob joins parts into one Blob without passing them through Go.
func Blob(mime string, parts ...js.Value) js.Value {
	list := js.Global().Get("Array").New()
	for _, p := range parts {
		list.Call("push", p)
	}
	options := js.Global().Get("Object").New()
	options.Set("type", mime)
	return js.Global().Get("Blob").New(list, options)
}

// Text returns a Blob of text.
func Text(mime, text string) js.Value { return Blob(mime, js.ValueOf(text)) }

// URL returns an address for a Blob or File, and the function that gives its memory back.
func URL(blob js.Value) (url string, release func()) {
	factory := js.Global().Get("URL")
	url = factory.Call("createObjectURL", blob).String()
	return url, func() { factory.Call("revokeObjectURL", url) }
}

// Save hands a Blob to the browser as a download of that name.
func Save(name string, blob js.Value) {
	url, release := URL(blob)
	link := js.Global().Get("document").Call("createElement", "a")
	link.Set("href", url)
	link.Set("download", name)
	link.Call("click")
	// The download has begun when the click returns, but it reads the Blob later.
	var later js.Func
	later = Guard(func([]js.Value) { release(); later.Release() })
	js.Global().Call("setTimeout", later, 60_000)
}

// Copy puts text on the clipboard.
func Copy(text string) error {
	clipboard := js.Global().Get("navigator").Get("clipboard")
	if !Defined(clipboard) {
		return errors.New("this browser gives no access to the clipboard here")
	}
	_, err := Await(clipboard.Call("writeText", text))
	return err
}

// Draw puts RGBA pixels on a canvas. Canvases are only drawn on, never read: some browsers return noise.
func Draw(canvas js.Value, width, height int, rgba js.Value) {
	canvas.Set("width", width)
	canvas.Set("height", height)
	pixels := js.Global().Get("Uint8ClampedArray").New(rgba.Get("buffer"))
	image := js.Global().Get("ImageData").New(pixels, width, height)
	canvas.Call("getContext", "2d").Call("putImageData", image, 0, 0)
}
