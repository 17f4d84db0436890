//go:build js

package ui

import (
	"fmt"
	"syscall/js"

	"dropquant/ui/view"
	"dropquant/ui/web"

	"honnef.co/go/js/dom/v2"
)

// offerSamples shows the samples that came with the page.
func (a *app) offerSamples() {
	if len(a.config.Samples) == 0 {
		return
	}
	a.html("samples", view.Samples(a.config.Samples))
	a.hide("samples-box", false)
	a.hide("use-photos", false)
	a.on("samples", "click", func(e dom.Event) {
		id := closest(e, "data-sample")
		for _, s := range a.config.Samples {
			if s.ID == id && !a.fetching {
				web.Go(func() { a.useSample(s, append([]string{s.Model}, s.Files...), true) })
			}
		}
	})
	a.on("use-photos", "click", func(dom.Event) {
		s := a.config.Samples[0]
		web.Go(func() { a.useSample(s, s.Files, false) })
	})
	a.el("credits").SetInnerHTML(`<button type="button" class="plain" id="save-credits">Authors and sources</button>`)
	a.on("save-credits", "click", func(dom.Event) {
		web.Go(func() {
			blob, err := openShipped(a.config.Credits)
			if err != nil {
				a.toast(view.Sentence(err.Error()), "", nil)
				return
			}
			web.Save("ATTRIBUTION.csv", blob)
		})
	})
}

// openShipped returns a file that came with the page: fetched, or out of the page itself.
func openShipped(name string) (js.Value, error) {
	response, err := web.Await(js.Global().Get("dropquant").Call("open", name))
	if err != nil {
		return js.Value{}, err
	}
	return web.Await(response.Call("blob"))
}

// useSample takes in files that came with the page, and starts at once if they are all that a run needs.
func (a *app) useSample(s view.Sample, names []string, start bool) {
	a.fetching = true
	button := a.doc.QuerySelector(`[data-sample="` + s.ID + `"]`)
	button.SetAttribute("aria-busy", "true")
	defer func() {
		a.fetching = false
		button.SetAttribute("aria-busy", "false")
		a.hide("starting", true)
	}()
	done := 0
	stop := a.slowly(func() { a.hide("starting", false); a.text("starting", "Fetching the sample") })
	defer stop()
	files := make([]web.File, len(names))
	for i, name := range names {
		blob, err := openShipped(name)
		if err != nil {
			a.showError(view.Error{
				Title: "The sample could not be fetched", Action: "Try again",
				Text: fmt.Sprintf("%s. It lies beside the page and is kept for use without a network once it has been fetched.", view.Sentence(err.Error())),
			}, func() { web.Go(func() { a.useSample(s, names, start) }) })
			return
		}
		files[i] = web.Whole(name, blob)
		done++
	}
	a.accept(files, nil)
	if start {
		a.start()
	}
}
