//go:build js

package ui

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"syscall/js"

	"dropquant/engine"
	"dropquant/engine/dataset"
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
	a.on("tested-card", "click", func(e dom.Event) {
		if e.Target().ID() == "set-aside" {
			a.setAside()
		}
	})
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
	a.reading++
	a.pool.begin()
	defer func() {
		a.reading--
		a.updateRun()
		if a.ready() {
			a.pool.warm(min(a.workers, len(a.images.used))-1, a.base())
		}
	}()
	in := sortFiles(paths(files), func(i int) int64 {
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
	if len(in.models)+len(in.images)+len(in.others)+len(in.labels) == 0 {
		a.nothingUseful(files, failed)
		return
	}
	a.clearError()
	a.pool.warm(a.workers-1, nil)
	if len(in.images) > 0 {
		if a.images != nil {
			a.labels = nil // they were for the images before
		}
		a.setImages(&images{files: pickFiles(in.images), ignored: in.ignored, failed: failed})
	}
	if len(in.labels) > 0 {
		a.takeLabels(pickFiles(in.labels))
	}
	switch {
	case len(in.models) > 0:
		a.setModels(pickFiles(in.models), pickFiles(in.others))
	case len(in.others) > 0 && a.last != nil && len(in.images) == 0:
		a.setModel(a.last.file, append(slices.Clone(a.last.others), pickFiles(in.others)...))
	case len(in.images)+len(in.labels) == 0:
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

func newModel(file web.File, others []web.File) *model {
	m := &model{file: file, others: others[:min(len(others), maxOthers)]}
	for _, f := range m.others {
		m.names = append(m.names, siblingName(file.Path, f.Path))
	}
	return m
}

// open returns the model's file and those beside it.
func (m *model) open() ([]js.Value, error) {
	files := make([]js.Value, 0, 1+len(m.others))
	for _, f := range append([]web.File{m.file}, m.others...) {
		file, err := f.Open()
		if err != nil {
			return nil, &fileError{f.Path, err}
		}
		files = append(files, file)
	}
	return files, nil
}

// setModels takes the first of the models that were given, and the second if one of the two is quantized and the other is not.
func (a *app) setModels(files, others []web.File) {
	for i := min(len(files), 2) - 1; i >= 0; i-- {
		a.setModel(files[i], others)
	}
	if len(files) > 2 || len(files) == 2 && (a.tested == nil || !a.loaded()) {
		a.toast(fmt.Sprintf("%d models were given; this is %q.", len(files), files[0].Path), "", nil)
	}
}

// setModel has a worker read a model and shows its card. One that is quantized already is tested, beside the float model if
// there is one.
func (a *app) setModel(file web.File, others []web.File) {
	m := newModel(file, others)
	a.last = m // a failed one too: its weights may come later
	a.hide("model", false)
	a.hide("model-ask", true)
	a.hide("intro", true)
	stop := a.slowly(func() {
		a.hide("model-card", false)
		a.html("model-card", `<p class="soft">Reading `+view.Escape(file.Name())+` …</p>`)
	})
	reply, err := a.pool.inspector().load(m, marshal(engine.Options{Target: a.options.Target}))
	stop()
	if a.last != m {
		return // another one came meanwhile
	}
	if err == nil {
		err = json.Unmarshal(reply.Info, &m.info)
	}
	if err != nil {
		a.showModel()
		a.modelError(file, err)
		return
	}
	a.forget()
	if m.info.Quantized {
		a.tested = m
	} else {
		a.model = m
	}
	a.showModel()
	if m == a.base() {
		a.guessPreset()
	}
	a.announce("Model " + m.info.Name + " read")
	a.preview()
}

// showModel shows the cards of the models that are there.
func (a *app) showModel() {
	if a.loaded() {
		a.html("model-card", view.Model(a.model.info))
	}
	if a.tested != nil {
		a.html("tested-card", view.Tested(a.tested.info, a.loaded()))
	}
	a.update()
}

func (a *app) modelError(file web.File, err error) {
	card := view.Error{Title: "This model cannot be used", Text: view.Sentence(err.Error())}
	var dead *deadError
	if errors.As(err, &dead) {
		card.Title, card.Text, card.Detail, card.Action = "The engine stopped while it read "+file.Name(), "The file may be too large for this tab's memory. Your images are kept.", dead.text, "Try again"
	}
	others := a.last.others
	a.showError(card, func() { web.Go(func() { a.setModel(file, others) }) })
}

// setAside puts the quantized file away that was to be tested.
func (a *app) setAside() {
	a.tested = nil
	a.forget()
	if a.base() != nil {
		a.guessPreset()
	}
	a.showModel()
	a.raw("main").Call("focus", map[string]any{"preventScroll": true})
}

// base is the model whose input the images fill: the float one, or without it the quantized one that is tested; nil without any.
func (a *app) base() *model {
	if a.loaded() {
		return a.model
	}
	return a.tested
}

// loaded says that there is a float model.
func (a *app) loaded() bool { return a.model != nil }

// setImages takes images in. Only the first are opened, for their thumbnails.
func (a *app) setImages(list *images) {
	if a.images != nil {
		for _, revoke := range a.images.revoke {
			revoke()
		}
	}
	a.images, a.shown = list, 0
	a.forget()
	a.showImages()
	a.announce(view.Of(len(list.files), "image") + " read")
	a.preview()
}

// showImages picks the images to use and shows their card. It blocks while the browser opens them.
func (a *app) showImages() {
	list := a.images
	list.used = engine.Sample(len(list.files), a.limit)
	card := view.Images{Count: len(list.files), Used: len(list.used), Ignored: list.ignored, Failed: list.failed}
	if a.fitLabels(); a.labels != nil {
		card.Note = a.labels.note
		if a.labels.usable {
			card.Labels = a.labels.file.Name()
		}
	}
	for _, at := range list.used[:min(view.Thumbs, len(list.used))] {
		if !dataset.IsImageName(list.files[at].Path) {
			continue // the browser cannot show arrays
		}
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
	model, pictures, tested := a.loaded(), a.images != nil, a.tested != nil
	begun := model || pictures || tested
	a.hide("intro", begun)
	a.hide("model", !begun)
	a.hide("model-ask", model || tested)
	a.hide("model-card", !model)
	a.hide("tested-card", !tested)
	a.hide("images", !begun)
	a.hide("images-ask", pictures)
	a.hide("images-card", !pictures)
	a.hide("prepare", !((model || tested) && pictures))
	a.hide("target", !(model || tested))
	a.hide("targets-box", tested)
	a.hide("estimator-field", tested)
	a.showCPU()
	a.hide("result", a.result == nil)
	a.hide("number", a.result == nil || len(a.result.lints) == 0)
	a.hide("layers", a.result == nil || a.result.scored() || a.result.comparing)
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
