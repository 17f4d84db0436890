//go:build js

package ui

import (
	"encoding/json"
	"errors"
	"sync"
	"syscall/js"

	"dropquant/ui/web"
	"dropquant/wasm/protocol"
)

// deadError is what a call gets when its worker has ended by itself.
type deadError struct{ text string }

func (e *deadError) Error() string { return "the engine stopped" }

// errEnded is what a call gets when the page ended its worker: a cancel.
var errEnded = errors.New("cancelled")

// pool starts workers on the modules that the page has compiled.
type pool struct {
	url                     string
	goModule, kernelModules js.Value
	reproducible            bool      // new workers compute the same bits in every browser, somewhat slower
	spare                   *worker   // the one that reads models and shows previews
	idle                    []*worker // for the next run
	begun                   bool      // files were given
	rehearsal               *worker   // until then
}

func newPool(boot js.Value) *pool {
	return &pool{url: boot.Get("workerURL").String(), goModule: boot.Get("goModule"), kernelModules: boot.Get("kernelModules")}
}

// worker is one engine, and the calls that wait for it.
type worker struct {
	js    *web.Worker
	ready chan struct{} // closed when the engine listens, or has ended
	last  int           // number of the last request
	calls map[int]*call
	ended error      // why there is no engine any more
	holds *model     // the model that it has loaded
	loads sync.Mutex // held while it loads one

	onLayer func(name string) // told what it computes, now and then

	reproducible bool
}

type call struct {
	done     chan answer // holds one
	progress func(index int)
}

// answer is a reply with its arrays.
type answer struct {
	protocol.Reply
	arrays []js.Value
	err    error
}

func (p *pool) start() *worker {
	w := &worker{ready: make(chan struct{}), calls: map[int]*call{}}
	start := map[string]any{"goModule": p.goModule, "kernelModules": p.kernelModules, "reproducible": p.reproducible}
	w.js = web.NewWorker(p.url, start, w.receive, func(text string) { w.end(&deadError{text}) })
	w.reproducible = p.reproducible
	return w
}

// rehearse has the browser compile the engine well while nobody waits for anything, in a worker of its own: what it compiles is for all.
func (p *pool) rehearse() {
	if p.begun {
		return
	}
	w := p.start()
	p.rehearsal = w
	web.Go(func() {
		_, _ = w.call(protocol.Request{Kind: protocol.Rehearse}, nil, nil) // if it fails, the first job is as slow as without it
		w.end(errEnded)
	})
}

// begin ends the rehearsal: there is work.
func (p *pool) begin() {
	if p.begun = true; p.rehearsal != nil {
		p.rehearsal.end(errEnded)
	}
}

// inspector returns the worker that stands by for models and previews.
func (p *pool) inspector() *worker {
	if p.spare != nil && p.spare.reproducible != p.reproducible {
		p.spare.end(errEnded)
	}
	if p.spare == nil || p.spare.ended != nil {
		p.spare = p.start()
	}
	return p.spare
}

// take hands the inspector over to a run.
func (p *pool) take() *worker {
	w := p.inspector()
	p.spare = nil
	return w
}

// warm starts workers until n stand by beside the inspector, and has them read a model if there is one, and the first of them find its
// hash: so a run need not wait for that. What goes wrong shows when a run takes them.
func (p *pool) warm(n int, m *model) {
	p.dismiss(n)
	for len(p.idle) < n {
		p.idle = append(p.idle, p.start())
	}
	for i, w := range p.idle {
		if m != nil {
			web.Go(func() {
				if _, err := w.load(m, nil); err == nil && i == 0 {
					w.hash(m)
				}
			})
		}
	}
}

// next returns a worker for a run.
func (p *pool) next() *worker {
	if p.dismiss(len(p.idle)); len(p.idle) == 0 {
		return p.start()
	}
	w := p.idle[0]
	p.idle = p.idle[1:]
	return w
}

// dismiss ends those that stand by but n, and those that are of no use.
func (p *pool) dismiss(n int) {
	keep := p.idle[:0]
	for _, w := range p.idle {
		if len(keep) < n && w.ended == nil && w.reproducible == p.reproducible {
			keep = append(keep, w)
		} else {
			w.end(errEnded)
		}
	}
	p.idle = keep
}

func (w *worker) receive(m web.Message) {
	var reply protocol.Reply
	if err := json.Unmarshal([]byte(m.Text), &reply); err != nil {
		panic("bug: a reply is not JSON: " + err.Error())
	}
	c := w.calls[reply.ID]
	switch reply.Kind {
	case protocol.Ready:
		close(w.ready)
	case protocol.Dead:
		w.end(&deadError{reply.Text})
	case protocol.Layer:
		if w.onLayer != nil {
			w.onLayer(reply.Text)
		}
	case protocol.Progress:
		if c != nil && c.progress != nil {
			c.progress(reply.Index)
		}
	default:
		if c == nil {
			return
		}
		delete(w.calls, reply.ID)
		a := answer{Reply: reply, arrays: m.Files}
		if reply.Kind == protocol.Failed {
			a.err = errors.New(reply.Error)
		}
		c.done <- a
	}
}

// end gives up the worker: its calls return err.
func (w *worker) end(err error) {
	if w.ended != nil {
		return
	}
	w.ended = err
	w.js.Terminate()
	select {
	case <-w.ready:
	default:
		close(w.ready)
	}
	for id, c := range w.calls {
		delete(w.calls, id)
		c.done <- answer{err: err}
	}
}

// send sends a request. Files and arrays go with it; arrays are moved.
func (w *worker) send(req protocol.Request, files []js.Value, progress func(index int)) (*call, error) {
	<-w.ready
	if w.ended != nil {
		return nil, w.ended
	}
	w.last++
	req.ID = w.last
	text, err := json.Marshal(req)
	if err != nil {
		panic("bug: a request is not JSON: " + err.Error())
	}
	c := &call{done: make(chan answer, 1), progress: progress}
	w.calls[req.ID] = c
	w.js.Post(web.Message{Text: string(text), Files: files})
	return c, nil
}

// wait waits for the answer, once.
func (c *call) wait() (answer, error) {
	a := <-c.done
	return a, a.err
}

// call sends a request and waits for its answer.
func (w *worker) call(req protocol.Request, files []js.Value, progress func(index int)) (answer, error) {
	c, err := w.send(req, files, progress)
	if err != nil {
		return answer{}, err
	}
	return c.wait()
}

// load has the worker read a model, if it does not hold it already.
func (w *worker) load(m *model, options json.RawMessage) (answer, error) {
	w.loads.Lock()
	defer w.loads.Unlock()
	if w.holds == m {
		return answer{}, nil
	}
	files, err := m.open()
	if err != nil {
		return answer{}, err
	}
	w.holds = nil // should this one not be read, the worker has lost the one before
	a, err := w.call(protocol.Request{Kind: protocol.Load, Name: m.file.Name(), Siblings: m.names, Options: options}, files, nil)
	if err == nil {
		w.holds = m
	}
	return a, err
}

// hash finds the hash of a model, if the worker holds it still and nobody has found it. No other model is loaded meanwhile: its hash would
// be taken for this one's.
func (w *worker) hash(m *model) {
	w.loads.Lock()
	defer w.loads.Unlock()
	if w.holds == m && m.hash == "" {
		found, _ := w.call(protocol.Request{Kind: protocol.Hash}, nil, nil)
		m.hash = found.Hash
	}
}

// fileError is a file that the browser cannot open any more.
type fileError struct {
	name string
	err  error
}

func (e *fileError) Error() string {
	return "\"" + e.name + "\" cannot be read: it was moved, changed or deleted since it was given (" + e.err.Error() + ")"
}
