//go:build js

package web

import (
	"path"
	"syscall/js"
)

// File is a file the user gave: chosen, dropped, or found in a dropped folder. It is opened when it is needed, because a
// folder may hold ten thousand of them.
type File struct {
	Path string // with the folders below the one that was given
	open func() (js.Value, error)
}

// Name returns the last part of the path.
func (f File) Name() string { return path.Base(f.Path) }

// Open returns the browser's File. It may block.
func (f File) Open() (js.Value, error) { return f.open() }

// Whole returns a file whose content, a File or Blob, is at hand.
func Whole(name string, content js.Value) File {
	return File{Path: name, open: func() (js.Value, error) { return content, nil }}
}

// wrap returns a file that is already open.
func wrap(file js.Value) File {
	name := file.Get("name").String()
	if p := file.Get("webkitRelativePath"); p.Type() == js.TypeString && p.String() != "" {
		name = p.String()
	}
	return Whole(name, file)
}

// Chosen returns the files of an <input type=file>, and empties it, so that the same choice can be made again.
func Chosen(input js.Value) []File {
	list := input.Get("files")
	files := make([]File, 0, list.Length())
	for i := range list.Length() {
		files = append(files, wrap(list.Index(i)))
	}
	input.Set("value", "")
	return files
}

// HasFiles says that a drag carries files, not text or a link.
func HasFiles(event js.Value) bool {
	types := event.Get("dataTransfer").Get("types")
	for i := range types.Length() {
		if types.Index(i).String() == "Files" {
			return true
		}
	}
	return false
}
