//go:build js

package ui

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"
	"syscall/js"
	"time"

	"dropquant/ui/view"
	"dropquant/ui/web"
	"dropquant/wasm/protocol"
)

// run is work on all images by several workers. What the workers found is merged in an engine that does not care in which order, so
// that the result is the same for any number of them, whoever did which image.
type run struct {
	model   *model // that the workers load
	tested  *model // that is compared with it, in a test
	labels  *labels
	options json.RawMessage
	phases  []phase
	images  []protocol.Image
	files   []web.File
	workers []*worker // nil where one has to be started
	took    []*worker // who did the first phase of each share
	batches *batches  // of the phase
	done    []bool    // images of the phase
	pace    pace
	began   time.Time
	layer   string         // that some worker computes
	drawn   time.Time      // when the progress was, last
	quarter int            // of the progress that was announced
	over    bool           // cancelled, or failed: no worker is started any more
	show    func(p *phase) // tells of the progress
}

// phase is a part of a run in which workers share out the images.
type phase struct {
	kind, doing string
	weight      float64 // what an image costs, beside those of other phases
	chunk       int     // images in one request, few, so that all workers end at once and have a moment for other requests; 0 is one request for each worker, of all images: it takes those that it needs
	head        int     // how many images it looks at, of the first ones; 0 is all
}

// images returns how many of n images a phase looks at.
func (p *phase) images(n int) int {
	if p.head > 0 {
		return min(p.head, n)
	}
	return n
}

// newRun prepares a run on the images that are used.
func (a *app) newRun(m *model, phases []phase) *run {
	r := &run{model: m, options: marshal(a.options)}
	for i, at := range a.images.used {
		f := a.images.files[at]
		r.files = append(r.files, f)
		r.images = append(r.images, protocol.Image{Index: i, Name: f.Path})
	}
	k := min(a.workers, len(r.images))
	r.workers, r.took = make([]*worker, k), make([]*worker, k)
	r.plan(phases)
	return r
}

// redraw is how often what changes with every image is drawn: each drawing lays out the page, on a core that a worker could use. So
// nothing moves between two drawings either.
const redraw = 400 * time.Millisecond

// refresh shows how far the run is, unless that was just done.
func (r *run) refresh(p *phase) {
	if now := time.Now(); now.Sub(r.drawn) >= redraw {
		r.drawn = now
		r.show(p)
	}
}

// plan gives a run its phases.
func (r *run) plan(phases []phase) {
	r.phases, r.pace, r.began, r.quarter = phases, pace{}, time.Now(), 0
	for i := range phases {
		r.pace.weights = append(r.pace.weights, phases[i].weight)
		r.pace.images = append(r.pace.images, phases[i].images(len(r.images)))
	}
}

// then returns a run on what this one has found, by the same workers.
func (r *run) then(phases []phase) *run {
	next := *r
	next.plan(phases)
	return &next
}

// end gives up all workers of the run.
func (r *run) end(err error) {
	r.over = true
	for _, w := range r.workers {
		if w != nil {
			w.end(err)
		}
	}
}

// execute does all phases on what the workers found before, and returns what they found in the last.
func (a *app) execute(r *run, states []js.Value) ([]js.Value, error) {
	for i := range r.phases {
		r.pace.next(i, time.Now())
		p := &r.phases[i]
		r.batches = newBatches(p.images(len(r.images)), len(r.workers), p.chunk)
		r.done = make([]bool, len(r.images))
		r.show(&r.phases[i])
		var err error
		if states, err = a.phase(r, i, states); err != nil {
			return nil, err
		}
	}
	return states, nil
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

// share has worker w do its part of a phase. A worker that dies is replaced once: the new one does again what it did, on the states
// of the phase before, so the result is the same.
func (a *app) share(r *run, phase, w int, before []js.Value) (js.Value, error) {
	for attempt := 0; ; attempt++ {
		state, err := a.attempt(r, phase, w, before)
		var dead *deadError
		if attempt == 0 && !r.over && errors.As(err, &dead) {
			r.workers[w] = nil
			r.batches.again(w)
			continue
		}
		return state, err
	}
}

func (a *app) attempt(r *run, phase, w int, before []js.Value) (js.Value, error) {
	if r.workers[w] == nil {
		r.workers[w] = a.pool.next()
	}
	e, p := r.workers[w], &r.phases[phase]
	e.onLayer = func(name string) {
		if !r.over {
			r.layer = name
			r.refresh(p)
		}
	}
	if _, err := e.load(r.model, nil); err != nil {
		return js.Undefined(), err
	}
	req := protocol.Request{Kind: p.kind, Options: r.options, Place: w, Of: len(r.workers)}
	files, err := r.before(&req, w, before)
	if err != nil {
		return js.Undefined(), err
	}
	var sent []*sending // at most as many as ahead
	for first := true; ; first = false {
		batch := r.batches.next(w)
		if len(batch) > 0 || first { // without any image it still learns what the others found
			next, err := r.send(e, p, req, files, batch)
			if err != nil {
				return js.Undefined(), err
			}
			sent, files = append(sent, next), nil
			req.States, req.More = 0, true
		}
		if len(batch) > 0 && len(sent) < ahead {
			continue
		}
		if len(sent) == 0 {
			break
		}
		if _, err := sent[0].wait(); err != nil {
			return js.Undefined(), err
		}
		r.mark(sent[0].batch...)
		r.refresh(p)
		sent = sent[1:]
	}
	reply, err := e.call(protocol.Request{Kind: protocol.State}, nil, nil)
	if err != nil {
		return js.Undefined(), err
	}
	r.took[w] = e
	return reply.arrays[0], nil
}

// sending is a request that is under way, and its images.
type sending struct {
	*call
	batch []int
}

// send has a worker do some of the images of a phase.
func (r *run) send(e *worker, p *phase, req protocol.Request, files []js.Value, batch []int) (*sending, error) {
	if r.over {
		return nil, errEnded
	}
	opened, err := r.open(batch)
	if err != nil {
		return nil, err
	}
	for _, i := range batch {
		req.Images = append(req.Images, r.images[i])
	}
	c, err := e.send(req, append(files, opened...), func(index int) {
		if !r.over {
			r.mark(index)
			r.refresh(p)
		}
	})
	return &sending{c, batch}, err
}

// before completes a request by what its kind needs beside images, and returns the files that go before them.
func (r *run) before(req *protocol.Request, w int, states []js.Value) ([]js.Value, error) {
	switch {
	case req.Kind == protocol.Test:
		return r.things(req)
	case states == nil:
		return nil, nil
	}
	own := -1
	if r.took[w] == r.workers[w] {
		own = w // it holds its own state already
	}
	files := copies(states, own)
	req.States = len(files)
	return files, nil
}

// things returns what a test compares, and the labels.
func (r *run) things(req *protocol.Request) (files []js.Value, err error) {
	if r.tested != nil {
		req.Tested, req.Siblings = r.tested.file.Name(), r.tested.names
		if files, err = r.tested.open(); err != nil {
			return nil, err
		}
	}
	if r.labels != nil {
		req.Labels = r.labels.file.Path
		table, err := r.labels.file.Open()
		if err != nil {
			return nil, &fileError{r.labels.file.Path, err}
		}
		files = append(files, table)
	}
	return files, nil
}

// open opens some of the images.
func (r *run) open(list []int) (files []js.Value, err error) {
	for _, i := range list {
		file, err := r.files[i].Open()
		if err != nil {
			return nil, &fileError{r.files[i].Path, err}
		}
		files = append(files, file)
	}
	return files, nil
}

// mark counts images, once even if a second worker had to do one again.
func (r *run) mark(list ...int) {
	for _, i := range list {
		if !r.done[i] {
			r.done[i] = true
			r.pace.done++
		}
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

// progress says how far a run is.
func (r *run) progress() string {
	n := r.pace.images[r.pace.phase]
	line := fmt.Sprintf("image %s of %s", view.Count(min(r.pace.done+1, n)), view.Count(n))
	if r.layer != "" {
		line += " · " + r.layer
	}
	if left, known := r.pace.left(time.Now()); known {
		line += " · " + view.Left(left)
	}
	return line
}

// showProgress shows how far a run is: in the bar, in the tab's title, and now and then to a screen reader.
func (a *app) showProgress(r *run, p *phase) {
	share := r.pace.share()
	percent := fmt.Sprintf("%.0f %%", math.Floor(share*100))
	a.text("run-title", p.doing)
	a.text("run-text", r.progress())
	a.raw("progress").Set("value", share)
	a.title(fmt.Sprintf("⏳ %.0f %%", math.Floor(share*10)*10)) // the browser draws its own frame again for each
	if quarter := int(share * 4); quarter != r.quarter || r.pace.done == 0 {
		r.quarter = quarter
		a.announce(p.doing + ", " + percent)
	}
}
