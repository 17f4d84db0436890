//go:build js

package ui

import (
	"encoding/json"
	"errors"
	"strings"
	"syscall/js"
	"time"

	"dropquant/engine"
	"dropquant/engine/report"
	"dropquant/engine/target"
	"dropquant/ui/view"
	"dropquant/ui/web"
	"dropquant/wasm/protocol"
)

// quantizing leads to the file. An image costs more where every layer is looked at, and most where candidates are built and run.
var quantizing = []phase{
	{kind: protocol.Observe, doing: "Calibrating", weight: 1, chunk: 2},
	{kind: protocol.Probe, doing: "Looking at layers", weight: 2, head: engine.ProbeHead, chunk: 1},
	{kind: protocol.Try, doing: "Quantizing", weight: 2, head: engine.ProbeHead},
}

// comparing comes behind the file.
var comparing = []phase{{kind: protocol.Compare, doing: "Comparing with fp32", weight: 1, chunk: 2}}

// quantize prepares the run that makes a quantized file, and returns what executes it.
func (a *app) quantize() (*run, func(*run) (*result, error)) {
	name := a.options.Target
	return a.newRun(a.model, quantizing), func(r *run) (*result, error) {
		states, err := a.execute(r, nil)
		if err != nil {
			return nil, err
		}
		if a.run == r {
			a.text("run-title", "Writing the file")
			a.text("run-text", "")
		}
		others := copies(states, 0)
		reply, err := r.workers[0].call(protocol.Request{Kind: protocol.Write, Options: r.options, States: len(others), Hash: r.model.hash}, others, nil)
		if err != nil {
			return nil, err
		}
		res := &result{
			target: name, took: time.Since(r.began), workers: r.workers, worker: r.workers[0], run: r, states: states,
			blob: web.Blob("application/octet-stream", reply.arrays...),
			name: outputName(r.model.file.Name(), name),
		}
		res.file = newModel(web.Whole(res.name, res.blob), nil)
		return res, json.Unmarshal(reply.Report, &res.report)
	}
}

// compareResult compares the file that was just made with the float model, behind its result, and then tests it.
func (a *app) compareResult(res *result) {
	r := res.run.then(comparing)
	r.show = func(*phase) {
		if a.check == r {
			a.showCheck(r)
		}
	}
	a.check = r
	res.comparing = true
	a.showPredictions()
	web.Go(func() {
		err := a.compare(r, res)
		if a.check != r {
			return // its result is forgotten, or it was stopped
		}
		a.check, res.run, res.states = nil, nil, nil
		res.comparing = false
		if err != nil {
			res.failed = "The file could not be compared: " + view.Sentence(err.Error())
			var dead *deadError
			if errors.As(err, &dead) {
				res.failed = "The engine stopped twice while it compared: it may have run out of memory. The file is as good as before."
			}
			a.rest(res)
			a.showFindings()
			a.announce(res.failed)
			return
		}
		a.checkResult(res)
		a.showFindings()
		a.announce("Compared with fp32: " + view.Outcome(res.report))
	})
}

// compare has the workers compare, and completes the report.
func (a *app) compare(r *run, res *result) error {
	states, err := a.execute(r, res.states)
	if err != nil {
		return err
	}
	others := copies(states, 0)
	reply, err := r.workers[0].call(protocol.Request{Kind: protocol.Report, States: len(others)}, others, nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(reply.Report, &res.report)
}

// result is what a run gave.
type result struct {
	report  report.Report // of a file that was made here
	target  string
	name    string // of the file to download, or of the one that was tested
	blob    js.Value
	file    *model // the same, or the one that was tested
	took    time.Duration
	workers []*worker // of the run, until the file has been tested
	worker  *worker   // that holds the job, once the others have been given up

	run       *run       // that gave it, until it has been compared
	states    []js.Value // what its workers found
	comparing bool       // it is being compared: of the report only what the file shows is known

	scores []report.Score // of the file in every arithmetic, once it has been tested
	lints  []target.Report
	note   string // why without labels, though there were some
	failed string // why it could not be
}

// holder returns the worker that holds the job.
func (r *result) holder() *worker {
	if r.workers != nil {
		return r.workers[0]
	}
	return r.worker
}

// scored says that the result is that of a test alone.
func (r *result) scored() bool { return !web.Defined(r.blob) }

// json is the report as a file.
func (r *result) json() string {
	var out strings.Builder
	var err error
	if r.scored() {
		e := json.NewEncoder(&out)
		e.SetIndent("", "  ")
		err = e.Encode(map[string]any{"models": r.scores, "runtimes": r.lints})
	} else {
		err = r.report.JSON(&out)
	}
	if err != nil {
		panic("bug: the report is not JSON: " + err.Error())
	}
	return out.String()
}
