//go:build js

package ui

import (
	"dropquant/ui/view"
	"dropquant/ui/web"

	"honnef.co/go/js/dom/v2"
)

// showResult shows the summary and the layers of a finished run.
func (a *app) showResult(res *result) {
	a.result = res
	a.html("result-card", view.Summary(view.Result{
		Report: res.report, File: res.name, Target: targetTitle(res.target),
		Command: command(a.model.file.Path, a.images.files[0].Path, a.options, a.limit),
	}))
	a.all = false
	a.showLayers()
	a.update()
	a.focus("result-title")
	a.announce("Done. " + res.name + " is ready to download.")
}

func (a *app) showLayers() { a.html("layers-card", view.Layers(a.result.report.Layers, a.sort, a.all)) }

// listenResult connects what the cards of the result hold.
func (a *app) listenResult() {
	a.on("result-card", "click", func(e dom.Event) {
		switch e.Target().ID() {
		case "download":
			a.download()
		case "save-report":
			web.Save(reportName(a.result.name), web.Text("application/json", a.result.json()))
		case "copy":
			text := a.raw("command").Get("textContent").String()
			web.Go(func() {
				if err := web.Copy(text); err != nil {
					a.toast("The browser did not allow it: select the line and copy it.", "", nil)
					return
				}
				a.toast("Copied", "", nil)
			})
		}
	})
	a.on("layers-card", "click", func(e dom.Event) {
		key := closest(e, "data-sort")
		if e.Target().ID() == "all-layers" {
			a.all = true
			a.showLayers()
			a.raw("layers-card").Call("querySelector", ".scroll").Call("focus", map[string]any{"preventScroll": true})
		}
		if key == "" {
			return
		}
		a.sort = view.Sort{Key: key, Down: key == a.sort.Key && !a.sort.Down}
		a.showLayers()
		a.doc.QuerySelector(`[data-sort="` + key + `"]`).Underlying().Call("focus")
	})
}

// download saves the quantized model.
func (a *app) download() bool {
	if a.result == nil {
		return false
	}
	web.Save(a.result.name, a.result.blob)
	a.announce("Downloading " + a.result.name)
	return true
}
