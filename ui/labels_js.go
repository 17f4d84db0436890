//go:build js

package ui

import (
	"dropquant/engine/dataset"
	"dropquant/ui/view"
	"dropquant/ui/web"
)

// labels is a table that says what the images show.
type labels struct {
	file   web.File
	table  *dataset.Labels
	usable bool   // it names every image that is used
	note   string // what of it does not fit the images
}

// takeLabels reads the tables that were given and keeps the one that names the most of the images. One that cannot be read gets a
// card only if none can.
func (a *app) takeLabels(files []web.File) {
	var best *labels
	var failed error
	for _, f := range files {
		blob, err := f.Open()
		var data []byte
		if err == nil {
			data, err = web.Read(blob)
		}
		var table *dataset.Labels
		if err == nil {
			table, err = dataset.ParseLabels(f.Path, data)
		}
		if err != nil {
			failed = err
			continue
		}
		if best == nil || a.images != nil && named(table, paths(a.images.files)) > named(best.table, paths(a.images.files)) {
			best = &labels{file: f, table: table}
		}
	}
	if best == nil {
		a.showError(view.Error{Title: "The labels cannot be read", Text: view.Sentence(failed.Error())}, nil)
		return
	}
	a.labels = best
	if a.images == nil {
		a.toast("Labels read. Now add the images they are for.", "", nil)
		return
	}
	a.showImages()
	a.announce("Labels read")
}

// fitLabels says how the labels fit the images that are used.
func (a *app) fitLabels() {
	l := a.labels
	if l == nil || a.images == nil {
		return
	}
	all := paths(a.images.files)
	used := make([]string, len(a.images.used))
	for i, at := range a.images.used {
		used[i] = all[at]
	}
	l.usable, l.note = fit(l.table, used, all)
}

func paths(files []web.File) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.Path
	}
	return out
}
