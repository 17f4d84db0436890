//go:build js

package web

import "syscall/js"

// item holds the three ways to one dropped thing. All must be asked for while the event is handled; which works depends on the
// browser and on where the page comes from: on file:// Chromium lists a folder only through its handle, Firefox has no
// handles, and either gives single files.
type item struct {
	handle js.Value // a promise of a FileSystemHandle
	entry  js.Value // a FileSystemEntry
	file   js.Value // a File; for a folder, a bogus one of 4096 bytes
}

// Drop takes what was dropped. It is to be called while the event is handled; the function it returns walks the folders, blocks,
// and calls found with the number of files from time to time. What cannot be read is in failed.
func Drop(event js.Value) func(found func(n int)) (files []File, failed []string) {
	list := event.Get("dataTransfer").Get("items")
	var items []item
	for i := range list.Length() {
		it := list.Index(i)
		if it.Get("kind").String() != "file" {
			continue
		}
		one := item{handle: js.Undefined(), entry: js.Undefined(), file: it.Call("getAsFile")}
		if it.Get("getAsFileSystemHandle").Type() == js.TypeFunction {
			one.handle = it.Call("getAsFileSystemHandle")
		}
		if it.Get("webkitGetAsEntry").Type() == js.TypeFunction {
			one.entry = it.Call("webkitGetAsEntry")
		}
		items = append(items, one)
	}
	return func(found func(n int)) ([]File, []string) {
		w := &walk{found: found}
		for _, it := range items {
			w.item(it)
		}
		return w.files, w.failed
	}
}

// walk collects the files of a drop.
type walk struct {
	files  []File
	failed []string
	found  func(n int)
}

func (w *walk) add(f File) {
	w.files = append(w.files, f)
	if len(w.files)%256 == 0 {
		w.found(len(w.files))
		Pause() // promises alone would not let the page draw
	}
}

func (w *walk) item(it item) {
	if Defined(it.handle) {
		if handle, err := Await(it.handle); err == nil && Defined(handle) {
			before := len(w.files)
			if w.handle(handle, "") == nil {
				return
			}
			w.files = w.files[:before] // the next way finds them again
		}
	}
	if Defined(it.entry) {
		if !it.entry.Get("isDirectory").Bool() && Defined(it.file) {
			w.add(wrap(it.file))
			return
		}
		if w.entry(it.entry) == nil {
			return
		}
		w.failed = append(w.failed, it.entry.Get("name").String())
		return
	}
	if Defined(it.file) && !bogus(it.file) {
		w.add(wrap(it.file))
	}
}

// bogus recognizes the file that stands for a folder where nothing better is offered: no type, and the size of a directory's block.
func bogus(file js.Value) bool {
	return file.Get("type").String() == "" && file.Get("size").Int()%4096 == 0 && !hasDot(file.Get("name").String())
}

func hasDot(name string) bool {
	for i := range len(name) {
		if name[i] == '.' {
			return true
		}
	}
	return false
}

// handle walks a FileSystemHandle. Its files are opened when they are used, not now.
func (w *walk) handle(h js.Value, dir string) error {
	name := dir + h.Get("name").String()
	if h.Get("kind").String() == "file" {
		w.add(File{Path: name, open: func() (js.Value, error) { return Await(h.Call("getFile")) }})
		return nil
	}
	values := h.Call("values")
	for {
		next, err := Await(values.Call("next"))
		if err != nil {
			return err
		}
		if next.Get("done").Bool() {
			return nil
		}
		if err := w.handle(next.Get("value"), name+"/"); err != nil {
			w.failed = append(w.failed, name)
		}
	}
}

// entry walks a FileSystemEntry. readEntries gives a hundred at a time, and an empty list at the end.
func (w *walk) entry(e js.Value) error {
	name := e.Get("fullPath").String()
	for len(name) > 0 && name[0] == '/' {
		name = name[1:]
	}
	if e.Get("isFile").Bool() {
		w.add(File{Path: name, open: func() (js.Value, error) { return call(e, "file") }})
		return nil
	}
	reader := e.Call("createReader")
	for {
		batch, err := call(reader, "readEntries")
		if err != nil {
			return err
		}
		if batch.Length() == 0 {
			return nil
		}
		for i := range batch.Length() {
			if err := w.entry(batch.Index(i)); err != nil {
				w.failed = append(w.failed, name)
			}
		}
	}
}

// call blocks on a method of the form object.method(success, failure).
func call(object js.Value, method string) (js.Value, error) {
	executor := js.FuncOf(func(_ js.Value, args []js.Value) any {
		defer Recover()
		object.Call(method, args[0], args[1])
		return nil
	})
	defer executor.Release()
	return Await(js.Global().Get("Promise").New(executor))
}
