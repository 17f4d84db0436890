//go:build js

package ui

import (
	"encoding/json"
	"strconv"

	"dropquant/engine"
	"dropquant/engine/calib"
	"dropquant/engine/target"
	"dropquant/ui/view"
	"dropquant/ui/web"
	"dropquant/wasm/protocol"

	"honnef.co/go/js/dom/v2"
)

// machines says where each target runs. What a target does to a model is in the engine's tables; this is only for choosing.
var machines = map[string]string{
	"openvino":    "Intel and AMD processors, Intel graphics",
	"tensorrt":    "NVIDIA graphics cards and Jetson",
	"onnxruntime": "Processors of servers, desktops and phones",
}

// processors are the choices of engine.Options.CPU, with what to know of each.
var processors = []struct{ name, title, doc string }{
	{engine.AnyCPU, "Any CPU", "CPUs without VNNI (most before 2019–2022) add products two by two in 16 bits, which can overflow. The weights are rounded so that none does, which costs a few tenths of a decibel."},
	{engine.VNNI, "CPUs with VNNI only", "The weights use all their codes. On CPUs without VNNI (most before 2019–2022) sums can overflow and answers be wrong: choose this if you know where the file will run."},
}

// showCPU says what the choice of processors means, where the target makes a difference.
func (a *app) showCPU() {
	t := target.ByName(a.options.Target)
	matters := t != nil && t.Pairs && a.tested == nil
	a.hide("cpu-field", !matters)
	a.text("cpu-doc", "")
	for _, p := range processors {
		if p.name == a.value("cpu") && matters {
			a.text("cpu-doc", p.doc)
		}
	}
}

// listenTarget fills the choices of the target and the other options, and follows them.
func (a *app) listenTarget() {
	var list []view.Choice
	for _, t := range target.Targets {
		list = append(list, view.Choice{Value: t.Name, Title: t.Title, Note: machines[t.Name]})
	}
	a.html("targets", view.Radios("target", list, a.options.Target))
	a.on("targets", "change", func(e dom.Event) {
		a.options.Target = e.Underlying().Get("target").Get("value").String()
		a.showCPU()
		a.describe()
		a.updateRun()
	})
	list = nil
	for _, p := range processors {
		list = append(list, view.Choice{Value: p.name, Title: p.title})
	}
	a.html("cpu", view.Options(list, engine.AnyCPU))
	a.on("cpu", "change", func(dom.Event) {
		a.options.CPU = a.value("cpu")
		a.showCPU()
	})
	a.showCPU()
	list = []view.Choice{{Value: "", Title: "Recommended"}, {Value: engine.Auto, Title: "Try several, keep the best"}}
	for _, m := range calib.Methods {
		list = append(list, view.Choice{Value: m.Name, Title: m.Title})
	}
	a.html("estimator", view.Options(list, ""))
	a.on("estimator", "change", func(dom.Event) {
		a.options.Estimator = a.value("estimator")
		a.text("estimator-doc", "")
		for _, m := range calib.Methods {
			if m.Name == a.options.Estimator {
				a.text("estimator-doc", m.Doc)
			}
		}
	})
	a.setValue("limit", strconv.Itoa(a.limit))
	a.setValue("workers", strconv.Itoa(a.workers))
	a.on("limit", "change", func(dom.Event) {
		a.limit = a.positive("limit", a.limit)
		if a.images != nil {
			a.shown = 0
			web.Go(func() {
				a.showImages()
				a.preview()
			})
		}
	})
	a.on("reproducible", "change", func(dom.Event) { a.pool.reproducible = a.raw("reproducible").Get("checked").Bool() })
	a.on("workers", "change", func(dom.Event) { a.workers = min(64, a.positive("workers", a.workers)); a.updateRun() })
}

// positive reads a whole number above zero from a field, and puts the old one back if there is none.
func (a *app) positive(id string, old int) int {
	n, err := strconv.Atoi(a.value(id))
	if err != nil || n < 1 {
		n = old
	}
	a.setValue(id, strconv.Itoa(n))
	return n
}

// describe asks again what becomes of the model, for another target.
func (a *app) describe() {
	m := a.model
	if !a.loaded() || a.tested != nil || a.run != nil {
		return
	}
	options := marshal(a.options)
	web.Go(func() {
		w := a.pool.inspector()
		reply, err := w.load(m, options)
		if err == nil && reply.Info == nil {
			reply, err = w.call(protocol.Request{Kind: protocol.Describe, Options: options}, nil, nil)
		}
		if err != nil || a.model != m {
			return // a worker that died is replaced by the next request; the card keeps what it showed
		}
		if json.Unmarshal(reply.Info, &m.info) == nil {
			a.showModel()
		}
	})
}
