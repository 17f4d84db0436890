//go:build js

package ui

import (
	"encoding/json"
	"fmt"
	"syscall/js"
	"time"

	"dropquant/engine"
	"dropquant/engine/target"
	"dropquant/ui/view"
	"dropquant/ui/web"

	"honnef.co/go/js/dom/v2"
)

// config is what the build wrote into the page.
type config struct {
	Single  bool          `json:"single"` // the page is one file: nothing is fetched
	Build   string        `json:"build"`
	Samples []view.Sample `json:"samples"`
	Credits string        `json:"credits"` // name of the attribution file
}

// app is the state of the page.
type app struct {
	doc    dom.Document
	config config
	pool   *pool

	model   *model // in float
	tested  *model // quantized by whatever tool: it is tested, not quantized again
	last    *model // that was given, whether it could be read or not
	images  *images
	labels  *labels
	options engine.Options
	limit   int // images to use at most
	workers int
	shown   int // position in images.used of the previewed image

	run    *run    // nil when none is under way
	check  *run    // tests the file of the last run; nil when done
	result *result // of the last run
	sort   view.Sort
	all    bool // layers are shown, not only the first

	retry    func() // of the error card that is shown
	previews int    // asked for so far
	traces   int    // likewise
	photo    func() // gives back the memory of the previewed photo
	fetching bool   // a sample is on its way
	reading  int    // drops that are being read: no run starts meanwhile
}

// model is a model the worker has read.
type model struct {
	file   web.File
	others []web.File // files that came with it
	names  []string   // of others, as the model would name them
	info   engine.Info
	hash   string // once it is known
}

// images is what the user gave to calibrate with, in the order of their paths.
type images struct {
	files   []web.File
	ignored int
	failed  []string
	used    []int    // positions in files
	revoke  []func() // gives back the thumbnails' memory
}

// Run starts the page's behaviour. It returns; the browser calls back.
func Run() {
	a := &app{doc: dom.GetWindow().Document(), limit: engine.DefaultImages, sort: view.WorstFirst}
	web.OnPanic = a.fault
	boot := js.Global().Get("dropquant")
	if err := json.Unmarshal([]byte(js.Global().Get("JSON").Call("stringify", boot.Get("config")).String()), &a.config); err != nil {
		panic("bug: the page's configuration is not JSON: " + err.Error())
	}
	a.pool = newPool(boot)
	a.workers = defaultWorkers(js.Global().Get("navigator").Get("hardwareConcurrency"))
	a.options.Target = target.Targets[0].Name
	a.listenFiles()
	a.listenKeys()
	a.listenPrepare()
	a.listenTarget()
	a.listenRun()
	a.listenResult()
	a.listenNumber()
	a.offerSamples()
	a.showBuild()
	for _, b := range a.doc.QuerySelectorAll("[data-pick]") {
		b.RemoveAttribute("disabled")
	}
	a.text("starting", "")
	a.hide("starting", true)
	a.registerOffline()
	a.doc.DocumentElement().SetAttribute("data-ready", "")
	a.pool.inspector() // it starts while the user looks for files
	time.AfterFunc(startsFirst, func() {
		if js.Global().Get("document").Get("visibilityState").String() == "visible" && a.workers > 1 {
			a.pool.rehearse()
		}
	})
}

// startsFirst is how long the browser is left alone after the page is there: it has much to do of its own then.
const startsFirst = 300 * time.Millisecond

// maxWorkers bounds the default: each worker holds its own copy of the model.
const maxWorkers = 8

func defaultWorkers(cores js.Value) int {
	if cores.Type() != js.TypeNumber {
		return 2
	}
	return max(1, min(maxWorkers, cores.Int()))
}

func (a *app) showBuild() {
	p := "Build " + a.config.Build + "."
	if a.config.Single {
		p += " This page is one file: keep a copy, it works from a disk or a stick."
	}
	a.text("build", p)
}

// fault shows a panic of the page's own code.
func (a *app) fault(text string) {
	a.showError(view.Error{
		Title:  "Something in the page failed",
		Text:   "This is a fault in Dropquant, not in your files. They are kept; try again, or reload the page.",
		Detail: text,
	}, nil)
}

func (a *app) el(id string) dom.Element {
	e := a.doc.GetElementByID(id)
	if e == nil {
		panic(fmt.Sprintf("bug: the page has no element %q", id))
	}
	return e
}

func (a *app) raw(id string) js.Value { return a.el(id).Underlying() }

func (a *app) text(id, text string) { a.el(id).SetTextContent(text) }
func (a *app) html(id, html string) { a.el(id).SetInnerHTML(html) }

func (a *app) hide(id string, hidden bool) { a.raw(id).Set("hidden", hidden) }

func (a *app) value(id string) string       { return a.raw(id).Get("value").String() }
func (a *app) setValue(id string, v string) { a.raw(id).Set("value", v) }

// focus moves the focus to an element that a change has brought up, and scrolls to it.
func (a *app) focus(id string) {
	e := a.raw(id)
	option := js.Global().Get("Object").New()
	option.Set("preventScroll", true)
	e.Call("focus", option)
	e.Call("scrollIntoView")
}

// on calls fn for an event of the element with that id.
func (a *app) on(id, event string, fn func(dom.Event)) { listen(a.el(id), event, fn) }

func listen(t dom.EventTarget, event string, fn func(dom.Event)) {
	t.AddEventListener(event, false, func(e dom.Event) {
		defer web.Recover()
		fn(e)
	})
}
