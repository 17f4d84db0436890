//go:build js

package ui

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"syscall/js"

	"dropquant/engine"
	"dropquant/ui/view"
	"dropquant/ui/web"
	"dropquant/wasm/protocol"

	"honnef.co/go/js/dom/v2"
)

// listenNumber connects the form that picks one number.
func (a *app) listenNumber() {
	a.on("number-form", "submit", func(e dom.Event) {
		e.PreventDefault()
		a.traceNumber()
	})
	a.on("number-worst", "click", func(dom.Event) { a.traceWorst() })
	a.on("number-layer", "change", func(dom.Event) { a.traceWorst() })
}

// products are the operators whose numbers are sums of products.
var products = []string{"Conv", "Gemm", "MatMul"}

// offerNumber fills the list of layers, once it is known what runs in integers, and picks the one that adds the most error.
func (a *app) offerNumber() {
	res := a.result
	var list []view.Choice
	if len(res.lints) > 0 {
		for _, n := range res.lints[0].Nodes {
			if slices.Contains(products, n.Op) {
				list = append(list, view.Choice{Value: n.Name, Title: n.Name})
			}
		}
	}
	a.hide("number", len(list) == 0)
	if len(list) == 0 {
		return
	}
	selected := list[0].Value
	for _, l := range res.report.Loudest(len(res.report.Layers)) {
		if slices.ContainsFunc(list, func(c view.Choice) bool { return c.Value == l.Name }) {
			selected = l.Name
			break
		}
	}
	a.html("number-layer", view.Options(list, selected))
	a.text("number-images", view.Count(len(a.images.used)))
	a.raw("number-image").Set("max", len(a.images.used))
	a.setValue("number-image", "1")
	a.emptyNumber()
	a.text("number-note", "")
	a.html("number-card", "")
}

// emptyNumber has the worst element be looked for.
func (a *app) emptyNumber() {
	for _, id := range []string{"number-channel", "number-y", "number-x"} {
		a.setValue(id, "")
	}
}

func (a *app) traceWorst() {
	a.emptyNumber()
	a.traceNumber()
}

// traceNumber has a worker follow the number that the form names, and shows its way.
func (a *app) traceNumber() {
	res := a.result
	if res == nil || a.run != nil {
		return
	}
	element := engine.Element{Layer: a.value("number-layer"), Channel: -1}
	given := 0
	for _, f := range []struct {
		id string
		to *int
	}{{"number-channel", &element.Channel}, {"number-y", &element.Y}, {"number-x", &element.X}} {
		if n, err := strconv.Atoi(a.value(f.id)); err == nil && n >= 0 {
			*f.to = n
			given++
		}
	}
	switch {
	case given == 0 && a.loaded(): // the worst
	case element.Channel < 0:
		element.Channel = 0
	}
	at := min(a.positive("number-image", 1), len(a.images.used)) - 1
	a.setValue("number-image", strconv.Itoa(at+1))
	file := a.images.files[a.images.used[at]]
	a.traces++
	mine := a.traces
	web.Go(func() {
		stop := a.slowly(func() { a.text("number-note", "Computing it in each arithmetic …") })
		trace, err := a.trace(res, file, element)
		stop()
		if mine != a.traces || a.result != res {
			return
		}
		if err != nil {
			a.text("number-note", view.Sentence(err.Error()))
			a.html("number-card", "")
			return
		}
		a.setValue("number-channel", strconv.Itoa(trace.Element.Channel))
		a.setValue("number-y", strconv.Itoa(trace.Element.Y))
		a.setValue("number-x", strconv.Itoa(trace.Element.X))
		a.text("number-note", fmt.Sprintf("Shown in %s.", view.Of(len(trace.Columns), "arithmetic")))
		a.html("number-card", view.Trace(trace, file.Name()))
	})
}

// trace asks the worker that stands by the result, or another if it has ended.
func (a *app) trace(res *result, image web.File, element engine.Element) (t engine.Trace, err error) {
	w := res.holder()
	if w == nil || w.ended != nil {
		w = a.pool.inspector()
	}
	if _, err := w.load(a.base(), nil); err != nil {
		return t, err
	}
	text, err := json.Marshal(element)
	if err != nil {
		return t, err
	}
	req := protocol.Request{Kind: protocol.Trace, Name: image.Name(), Options: marshal(a.options), Element: text}
	photo, err := image.Open()
	if err != nil {
		return t, &fileError{image.Path, err}
	}
	tested := res.file
	if tested == a.base() {
		tested = nil
	}
	var files []js.Value
	if tested != nil {
		req.Tested, req.Siblings = tested.file.Name(), tested.names
		if files, err = tested.open(); err != nil {
			return t, err
		}
	}
	reply, err := w.call(req, append(files, photo), nil)
	var dead *deadError
	if errors.As(err, &dead) {
		return t, errors.New("the engine stopped while it computed this number: it may have run out of memory; show it again")
	}
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(reply.Trace, &t)
}
