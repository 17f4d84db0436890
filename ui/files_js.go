//go:build js

package ui

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"syscall/js"

	"dropquant/engine"
	"dropquant/ui/view"
	"dropquant/ui/web"

	"honnef.co/go/js/dom/v2"
)

// listenFiles connects the ways in: buttons, and drops anywhere on the page.
func (a *app) listenFiles() {
	listen(a.doc, "click", func(e dom.Event) {
		if pick := closest(e, "data-pick"); pick != "" {
			a.raw("pick-" + pick).Call("click")
		}
	})
	for _, pick := range []string{"pick-model", "pick-images", "pick-folder"} {
		input := a.raw(pick)
		a.on(pick, "change", func(dom.Event) {
			files := web.Chosen(input)
			web.Go(func() { a.accept(files, nil) })
		})
	}
	body := a.doc.QuerySelector("body")
	depth := 0 // of elements entered and not left: the drag is over the page while it is above zero
	drag := func(change int) func(dom.Event) {
		return func(e dom.Event) {
			if !web.HasFiles(e.Underlying()) {
				return
			}
			e.PreventDefault()
			depth = max(0, depth+change)
			body.Underlying().Get("classList").Call("toggle", "dragging", depth > 0)
		}
	}
	listen(a.doc, "dragenter", drag(1))
	listen(a.doc, "dragover", drag(0))
	listen(a.doc, "dragleave", drag(-1))
	listen(a.doc, "drop", func(e dom.Event) {
		if !web.HasFiles(e.Underlying()) {
			return
		}
		e.PreventDefault()
		depth = 0
		body.Class().Remove("dragging")
		walk := web.Drop(e.Underlying())
		web.Go(func() {
			files, failed := walk(func(n int) { a.announceReading(n) })
			a.accept(files, failed)
		})
	})
}

// closest returns an attribute of the event's target or of the nearest element above it that has it.
func closest(e dom.Event, attribute string) string {
	el := e.Underlying().Get("target").Call("closest", "["+attribute+"]")
	if !web.Defined(el) {
		return ""
	}
	return el.Call("getAttribute", attribute).String()
}

func (a *app) announceReading(n int) {
	a.hide("starting", false)
	a.text("starting", "Reading the folder: "+view.Of(n, "file")+" so far")
}

// accept takes files in, whatever they are: a model, images, weights that a model keeps beside it, or all at once.
func (a *app) accept(files []web.File, failed []string) {
	a.hide("starting", true)
	if a.run != nil {
		a.toast("A run is under way. Cancel it before you change its files.", "", nil)
		return
	}
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	in := sortFiles(paths, func(i int) int64 {
		file, err := files[i].Open()
		if err != nil {
			return -1
		}
		return int64(file.Get("size").Float())
	})
	pickFiles := func(list []int) []web.File {
		out := make([]web.File, len(list))
		for i, at := range list {
			out[i] = files[at]
		}
		return out
	}
	if len(in.models)+len(in.images)+len(in.others) == 0 {
		a.nothingUseful(files, failed)
		return
	}
	a.clearError()
	if len(in.images) > 0 {
		a.setImages(&images{files: pickFiles(in.images), ignored: in.ignored, failed: failed})
	}
	switch {
	case len(in.models) > 1:
		a.toast(fmt.Sprintf("%d models were given; this is %q.", len(in.models), paths[in.models[0]]), "", nil)
		fallthrough
	case len(in.models) == 1:
		a.setModel(files[in.models[0]], pickFiles(in.others))
	case len(in.others) > 0 && a.model != nil && len(in.images) == 0:
		a.setModel(a.model.file, append(slices.Clone(a.model.others), pickFiles(in.others)...))
	case len(in.images) == 0:
		a.nothingUseful(files, failed)
	}
}

func (a *app) nothingUseful(files []web.File, failed []string) {
	text := "Dropquant reads models in ONNX format (.onnx) and JPEG, PNG, WebP, BMP and GIF images."
	switch {
	case len(failed) > 0:
		text = "The browser did not let the page read it. Choose it with the button instead of dropping it. " + text
	case len(files) == 0:
		text = "The folder is empty. " + text
	case len(files) == 1:
		text = fmt.Sprintf("%q is neither. ", files[0].Name()) + text
	default:
		text = fmt.Sprintf("None of these %s files is one. ", view.Count(len(files))) + text
	}
	a.showError(view.Error{Title: "No model and no images in what you gave", Text: text}, nil)
}

// maxOthers bounds how many files beside a model are offered to it as its weights.
const maxOthers = 256

// setModel has a worker read a model and shows its card.
func (a *app) setModel(file web.File, others []web.File) {
	m := &model{file: file, others: others[:min(len(others), maxOthers)]}
	for _, f := range m.others {
		m.names = append(m.names, siblingName(file.Path, f.Path))
	}
	previous := a.model
	a.model = m // a failed one too: its weights may come later
	a.hide("model", false)
	a.hide("model-ask", true)
	a.hide("intro", true)
	stop := a.slowly(func() {
		a.hide("model-card", false)
		a.html("model-card", `<p class="soft">Reading `+view.Escape(file.Name())+` …</p>`)
	})
	reply, err := a.pool.inspector().load(m, marshal(engine.Options{Target: a.options.Target}))
	stop()
	if a.model != m {
		return // another one came meanwhile
	}
	if err == nil {
		err = json.Unmarshal(reply.Info, &m.info)
	}
	if err != nil {
		m.info = engine.Info{}
		a.hide("model-card", true)
		if previous != nil && previous.info.Name != "" && previous.file.Path != file.Path {
			a.model = previous
			a.showModel()
		} else {
			a.hide("model-ask", false)
			a.update()
		}
		a.modelError(file, err)
		return
	}
	a.result = nil
	a.showModel()
	a.guessPreset()
	a.announce("Model " + m.info.Name + " read")
	a.update()
	a.preview()
}

func (a *app) showModel() {
	a.html("model-card", view.Model(a.model.info))
	a.hide("model-card", false)
	a.update()
}

func (a *app) modelError(file web.File, err error) {
	card := view.Error{Title: "This model cannot be used", Text: view.Sentence(err.Error())}
	var dead *deadError
	if errors.As(err, &dead) {
		card.Title, card.Text, card.Detail, card.Action = "The engine stopped while it read "+file.Name(), "The file may be too large for this tab's memory. Your images are kept.", dead.text, "Try again"
	}
	others := a.model.others
	a.showError(card, func() { web.Go(func() { a.setModel(file, others) }) })
}

// loaded says that there is a model to work with.
func (a *app) loaded() bool { return a.model != nil && a.model.info.Name != "" }

// setImages takes images in. Only the first are opened, for their thumbnails.
func (a *app) setImages(list *images) {
	if a.images != nil {
		for _, revoke := range a.images.revoke {
			revoke()
		}
	}
	a.images, a.shown, a.result = list, 0, nil
	a.showImages()
	a.announce(view.Of(len(list.files), "image") + " read")
	a.preview()
}

// showImages picks the images to use and shows their card. It blocks while the browser opens them.
func (a *app) showImages() {
	list := a.images
	list.used = engine.Sample(len(list.files), a.limit)
	card := view.Images{Count: len(list.files), Used: len(list.used), Ignored: list.ignored, Failed: list.failed}
	for _, at := range list.used[:min(view.Thumbs, len(list.used))] {
		file, err := list.files[at].Open()
		if err != nil {
			continue
		}
		url, revoke := web.URL(file)
		list.revoke = append(list.revoke, revoke)
		card.URLs, card.Names = append(card.URLs, url), append(card.Names, list.files[at].Name())
	}
	a.html("images-card", view.ImagesCard(card))
	a.update()
}

// update shows the steps that what is there allows, and what is missing.
func (a *app) update() {
	model, pictures := a.loaded(), a.images != nil
	begun := model || pictures
	a.hide("intro", begun)
	a.hide("model", !begun)
	a.hide("model-ask", model)
	a.hide("model-card", !model)
	a.hide("images", !begun)
	a.hide("images-ask", pictures)
	a.hide("images-card", !pictures)
	a.hide("prepare", !(model && pictures))
	a.hide("target", !model)
	a.hide("result", a.result == nil)
	a.hide("layers", a.result == nil)
	a.updateRun()
}

// slowly calls show after half a second unless the returned function was called before: what is quick should not flicker.
func (a *app) slowly(show func()) (stop func()) {
	stopped := false
	var f js.Func
	f = web.Guard(func([]js.Value) {
		if !stopped {
			show()
		}
		f.Release()
	})
	js.Global().Call("setTimeout", f, 500)
	return func() { stopped = true }
}
