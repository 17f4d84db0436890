//go:build js

package ui

import (
	"encoding/json"
	"strings"
	"syscall/js"
	"time"

	"dropquant/engine/report"
	"dropquant/engine/target"
	"dropquant/ui/web"
	"dropquant/wasm/protocol"
)

// quantizing: a comparison runs the float model and the quantized one.
var quantizing = []phase{
	{protocol.Observe, "Calibrating", 1, 0},
	{protocol.Compare, "Comparing with fp32", 2, 0},
}

// quantize prepares the run that makes a quantized file, and returns what executes it.
func (a *app) quantize() (*run, func(*run) (*result, error)) {
	name := a.options.Target
	return a.newRun(a.model, quantizing), func(r *run) (*result, error) {
		states, err := a.execute(r)
		if err != nil {
			return nil, err
		}
		if a.run == r {
			a.text("run-title", "Writing the file")
			a.text("run-text", "")
		}
		reply, err := r.workers[0].call(protocol.Request{Kind: protocol.Finish}, copies(states, 0), nil)
		if err != nil {
			return nil, err
		}
		res := &result{
			target: name, took: time.Since(r.began), workers: r.workers, worker: r.workers[0],
			blob: web.Blob("application/octet-stream", reply.arrays...),
			name: outputName(r.model.file.Name(), name),
		}
		res.file = newModel(web.Whole(res.name, res.blob), nil)
		return res, json.Unmarshal(reply.Report, &res.report)
	}
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
	worker  *worker   // that holds the job

	scores []report.Score // of the file in every arithmetic, once it has been tested
	lints  []target.Report
	note   string // why without labels, though there were some
	failed string // why it could not be
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
