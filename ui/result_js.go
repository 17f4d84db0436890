//go:build js

package ui

import (
	"errors"
	"syscall/js"

	"dropquant/engine"
	"dropquant/ui/view"
	"dropquant/ui/web"
	"dropquant/wasm/protocol"

	"honnef.co/go/js/dom/v2"
)

// showResult shows the summary and the layers of a finished run.
func (a *app) showResult(res *result) {
	a.result = res
	if res.scored() {
		a.html("result-card", view.Scored(a.predictions(), res.name))
		a.rest(res)
		a.offerNumber()
		a.update()
		a.focus("result-title")
		a.announce("Done. " + res.name + " is tested.")
		return
	}
	a.html("result-card", view.Summary(view.Result{
		Report: res.report, File: res.name, Target: targetTitle(res.target), Formats: formats(res.target), Comparing: true,
		Command: command(a.model.file.Path, a.images.files[0].Path, a.options, a.limit),
	}))
	a.all = false
	a.compareResult(res)
	a.update()
	a.focus("result-title")
	a.announce("Done. " + res.name + " is ready to download, and is now compared with fp32.")
}

// showFindings brings the cards of a result up to what is known of it. What can have the focus stays as it is, but for what only
// made sense while the comparison ran.
func (a *app) showFindings() {
	focused := a.raw("predictions").Call("contains", js.Global().Get("document").Get("activeElement")).Bool()
	a.html("result-numbers", view.Numbers(a.result.report, a.result.comparing))
	a.html("result-notes", view.Notes(a.result.report))
	a.showPredictions()
	a.showLayers()
	a.update()
	if focused {
		a.raw("result-title").Call("focus", map[string]any{"preventScroll": true})
	}
}

func (a *app) showLayers() {
	a.html("layers-card", view.Worst(a.result.report)+view.Layers(a.result.report.Layers, a.sort, a.all))
}

// listenResult connects what the cards of the result hold.
func (a *app) listenResult() {
	a.on("result-card", "click", func(e dom.Event) {
		if a.result == nil {
			return
		}
		switch e.Target().ID() {
		case "download":
			a.download()
		case "save-as":
			a.saveAs(a.value("format"))
		case "stop-check":
			a.stopCheck()
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
	a.on("result-card", "change", func(e dom.Event) {
		for _, f := range engine.Formats {
			if e.Target().ID() == "format" && f.Name == a.value("format") {
				a.text("format-doc", view.Sentence(f.Doc))
			}
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

// formats lists the forms in which what is quantized for a target can be had beside Q/DQ.
func formats(target string) (list []view.Choice) {
	for _, f := range engine.Formats {
		if f.Name != engine.QDQ && f.Fits(target) == nil {
			list = append(list, view.Choice{Value: f.Name, Title: f.Title, Note: f.Doc})
		}
	}
	return list
}

// saveAs has the worker that holds the job write it in another format.
func (a *app) saveAs(format string) {
	res := a.result
	f, err := engine.FindFormat(format)
	if err != nil {
		return
	}
	web.Go(func() {
		stop := a.slowly(func() { a.toast("Writing "+f.Title+" …", "", nil) })
		worker := res.holder()
		reply, err := worker.call(protocol.Request{Kind: protocol.Export, Name: f.Name}, nil, nil)
		stop()
		if err != nil {
			text := view.Sentence(err.Error())
			if errors.Is(err, errEnded) || worker.ended != nil {
				text = "The engine that made this result has ended. Quantize again, then save."
			}
			a.showError(view.Error{Title: "The file could not be written as " + f.Title, Text: text}, nil)
			return
		}
		pieces := reply.arrays
		for i, suffix := range f.Suffixes {
			web.Save(formatName(res.name, f.Name, suffix), web.Blob("application/octet-stream", pieces[:reply.Parts[i]]...))
			pieces = pieces[reply.Parts[i]:]
		}
		a.announce("Downloading " + f.Title)
	})
}

// download saves the quantized model.
func (a *app) download() bool {
	if a.result == nil || a.result.scored() {
		return false
	}
	web.Save(a.result.name, a.result.blob)
	a.announce("Downloading " + a.result.name)
	return true
}
