//go:build js

package ui

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"syscall/js"
	"time"

	"dropquant/engine"
	"dropquant/engine/report"
	"dropquant/engine/target"
	"dropquant/ui/view"
	"dropquant/ui/web"
	"dropquant/wasm/protocol"

	"honnef.co/go/js/dom/v2"
)

// run is one job on several workers. Worker w takes every image i with i mod len(workers) = w; what the workers found is merged
// in an engine that does not care in which order, so that the result is the same for any number of them.
type run struct {
	model   *model
	target  string
	options json.RawMessage
	images  []protocol.Image
	files   []web.File
	workers []*worker // nil where one has to be started
	took    []*worker // who observed each share
	done    []bool    // images of the phase
	pace    pace
	began   time.Time
	layer   string // that some worker computes
	quarter int    // of the progress that was announced
}

// phases of a run, and what an image costs in each: a comparison runs the float model and the quantized one.
var phases = []struct {
	kind, doing string
	weight      float64
}{
	{protocol.Observe, "Calibrating", 1},
	{protocol.Compare, "Comparing with fp32", 2},
}

// listenRun connects the buttons of the bar.
func (a *app) listenRun() {
	a.on("run", "click", func(dom.Event) { a.start() })
	a.on("cancel", "click", func(dom.Event) { a.cancel() })
	a.on("save", "click", func(dom.Event) { a.download() })
}

func (a *app) ready() bool {
	return a.loaded() && a.model.info.Blocked == "" && a.images != nil && len(a.images.used) > 0 && a.run == nil
}

// start begins a run, if all that it needs is there.
func (a *app) start() bool {
	if !a.ready() {
		return false
	}
	r := &run{model: a.model, target: a.options.Target, options: marshal(a.options), began: time.Now()}
	for i, at := range a.images.used {
		f := a.images.files[at]
		r.files = append(r.files, f)
		r.images = append(r.images, protocol.Image{Index: i, Name: f.Path})
	}
	k := min(a.workers, len(r.images))
	r.workers, r.took = make([]*worker, k), make([]*worker, k)
	r.workers[0] = a.pool.take()
	r.pace.images = len(r.images)
	for _, p := range phases {
		r.pace.weights = append(r.pace.weights, p.weight)
	}
	a.run, a.result = r, nil
	a.clearError()
	a.update()
	a.showProgress(r, phases[0].doing)
	web.Go(func() {
		res, err := a.execute(r)
		r.end(errEnded)
		if a.run != r {
			return // cancelled
		}
		a.run = nil
		a.title("")
		if err != nil {
			a.update()
			a.runError(err)
			return
		}
		a.showResult(res)
	})
	return true
}

// end gives up all workers of the run.
func (r *run) end(err error) {
	for _, w := range r.workers {
		if w != nil {
			w.end(err)
		}
	}
}

// cancel ends the run at once: a worker is never asked to stop, it is ended. The inputs stay.
func (a *app) cancel() bool {
	r := a.run
	if r == nil {
		return false
	}
	a.run = nil
	r.end(errEnded)
	a.title("")
	a.update()
	a.announce("Cancelled. The model and the images are kept.")
	a.text("run-title", "Cancelled")
	a.text("run-text", "The model and the images are kept.")
	a.raw("run").Call("focus")
	return true
}

// execute does all phases.
func (a *app) execute(r *run) (*result, error) {
	var states []js.Value
	for i := range phases {
		r.pace.next(i, time.Now())
		r.done = make([]bool, len(r.images))
		a.showProgress(r, phases[i].doing)
		var err error
		if states, err = a.phase(r, i, states); err != nil {
			return nil, err
		}
	}
	first := r.workers[0]
	if a.run == r {
		a.text("run-title", "Writing the file")
		a.text("run-text", "")
	}
	reply, err := first.call(protocol.Request{Kind: protocol.Finish}, copies(states, 0), nil)
	if err != nil {
		return nil, err
	}
	res := &result{
		target: r.target, took: time.Since(r.began),
		blob: web.Blob("application/octet-stream", reply.arrays...),
		name: outputName(r.model.file.Name(), r.target),
	}
	if err := json.Unmarshal(reply.Report, &res.report); err != nil {
		return nil, err
	}
	return res, nil
}

// phase has every worker do its share, and returns their states.
func (a *app) phase(r *run, phase int, before []js.Value) ([]js.Value, error) {
	states := make([]js.Value, len(r.workers))
	errs := make([]error, len(r.workers))
	var all sync.WaitGroup
	for w := range r.workers {
		all.Add(1)
		web.Go(func() {
			defer all.Done()
			states[w], errs[w] = a.share(r, phase, w, before)
			if errs[w] != nil {
				r.end(errEnded) // no worker goes on in vain
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil && err != errEnded {
			return nil, err
		}
	}
	return states, errors.Join(errs...)
}

// share has worker w do its part of a phase. A worker that dies is replaced once: the new one does the whole share again,
// on the states of the phase before, so the result is the same.
func (a *app) share(r *run, phase, w int, before []js.Value) (js.Value, error) {
	for attempt := 0; ; attempt++ {
		state, err := a.attempt(r, phase, w, before)
		var dead *deadError
		if attempt == 0 && a.run == r && errors.As(err, &dead) {
			r.workers[w] = nil
			continue
		}
		return state, err
	}
}

func (a *app) attempt(r *run, phase, w int, before []js.Value) (js.Value, error) {
	if r.workers[w] == nil {
		r.workers[w] = a.pool.start()
	}
	e := r.workers[w]
	e.onLayer = func(name string) {
		if a.run == r {
			r.layer = name
			a.showProgress(r, phases[phase].doing)
		}
	}
	if _, err := e.load(r.model, nil); err != nil {
		return js.Undefined(), err
	}
	req := protocol.Request{Kind: phases[phase].kind, Options: r.options}
	var files []js.Value
	if before != nil {
		own := -1
		if r.took[w] == e {
			own = w // it holds its own state already
		}
		files = copies(before, own)
		req.States = len(files)
		req.Probes = r.images[:min(len(r.images), engine.ProbeHead)]
		for i := range req.Probes {
			file, err := r.files[i].Open()
			if err != nil {
				return js.Undefined(), &fileError{r.files[i].Path, err}
			}
			files = append(files, file)
		}
	}
	for _, i := range protocol.Shard(len(r.images), w, len(r.workers)) {
		file, err := r.files[i].Open()
		if err != nil {
			return js.Undefined(), &fileError{r.files[i].Path, err}
		}
		files = append(files, file)
		req.Images = append(req.Images, r.images[i])
	}
	reply, err := e.call(req, files, func(index int) {
		if a.run == r {
			r.mark(index)
			a.showProgress(r, phases[phase].doing)
		}
	})
	if err != nil {
		return js.Undefined(), err
	}
	r.took[w] = e
	return reply.arrays[0], nil
}

// mark counts an image, once even if a second worker had to do it again.
func (r *run) mark(index int) {
	if !r.done[index] {
		r.done[index] = true
		r.pace.done++
	}
}

// copies returns the states without the one at the given place, copied, because sending moves them.
func copies(states []js.Value, without int) []js.Value {
	var out []js.Value
	for i, s := range states {
		if i != without {
			out = append(out, s.Call("slice"))
		}
	}
	return out
}

// showProgress shows how far a run is: in the bar, in the tab's title, and now and then to a screen reader.
func (a *app) showProgress(r *run, doing string) {
	share := r.pace.share()
	percent := fmt.Sprintf("%.0f %%", math.Floor(share*100))
	line := fmt.Sprintf("image %s of %s", view.Count(min(r.pace.done+1, len(r.images))), view.Count(len(r.images)))
	if r.layer != "" {
		line += " · " + r.layer
	}
	if left, known := r.pace.left(time.Now()); known {
		line += " · " + view.Left(left)
	}
	a.text("run-title", doing)
	a.text("run-text", line)
	a.raw("progress").Set("value", share)
	a.title("⏳ " + percent)
	if quarter := int(share * 4); quarter != r.quarter || r.pace.done == 0 {
		r.quarter = quarter
		a.announce(doing + ", " + percent)
	}
}

func (a *app) runError(err error) {
	card := view.Error{Title: "The run could not be finished", Text: view.Sentence(err.Error()), Action: "Try again"}
	var dead *deadError
	if errors.As(err, &dead) {
		card.Title = "The engine stopped twice"
		card.Text = "It may have run out of memory. Close other tabs, or use fewer workers under More options, and try again. The model and the images are kept."
		card.Detail = dead.text
	}
	a.showError(card, func() { a.start() })
}

// updateRun shows in the bar what can be done next.
func (a *app) updateRun() {
	begun := a.loaded() || a.images != nil
	running := a.run != nil
	a.hide("runbar", !begun)
	a.hide("progress", !running)
	a.hide("cancel", !running)
	a.hide("run", running)
	a.hide("save", a.result == nil)
	a.raw("run").Set("disabled", !a.ready())
	a.el("body").Class().Remove("running")
	if running {
		a.el("body").Class().Add("running")
		return
	}
	label, class := "Quantize", "primary"
	if a.result != nil {
		label, class = "Quantize again", ""
	}
	a.text("run", label)
	a.el("run").SetAttribute("class", class)
	title, line := "", ""
	switch {
	case a.result != nil:
		title, line = "Done in "+view.Took(a.result.took), a.result.name
	case !a.loaded():
		title = "Now add the model"
	case a.model.info.Blocked != "":
		title = "This model cannot be quantized as it is"
	case a.images == nil:
		title = "Now add images"
	default:
		k := min(a.workers, len(a.images.used))
		title = view.Of(len(a.images.used), "image") + " for " + targetTitle(a.options.Target)
		line = view.Of(k, "worker")
		if m := a.model.info.Memory; m > 0 {
			line += ", about " + view.Size(m*int64(k)) + " of memory"
		}
	}
	a.text("run-title", title)
	a.text("run-text", line)
}

func targetTitle(name string) string {
	if t := target.ByName(name); t != nil {
		return t.Title
	}
	return name
}

// result is what a run gave.
type result struct {
	report report.Report
	target string
	name   string // of the file to download
	blob   js.Value
	took   time.Duration
}

// json is the report as a file.
func (r *result) json() string {
	var out strings.Builder
	if err := r.report.JSON(&out); err != nil {
		panic("bug: the report is not JSON: " + err.Error())
	}
	return out.String()
}
