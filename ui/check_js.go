//go:build js

package ui

import (
	"encoding/json"
	"errors"
	"time"

	"dropquant/engine/report"
	"dropquant/engine/target"
	"dropquant/ui/view"
	"dropquant/ui/web"
	"dropquant/wasm/protocol"
)

var scoring = []phase{{kind: protocol.Test, doing: "Testing in each runtime's arithmetic", weight: 1, chunk: 2}}

// test prepares the run that scores a quantized file that was dropped, and returns what executes it.
func (a *app) test() (*run, func(*run) (*result, error)) {
	r := a.newRun(a.base(), scoring)
	if a.loaded() {
		r.tested = a.tested
	}
	r.useLabels(a.labels)
	return r, func(r *run) (*result, error) {
		scores, note, err := a.scores(r)
		if err != nil {
			return nil, err
		}
		lints, err := a.lint(r.workers[0], a.tested)
		if err != nil {
			return nil, err
		}
		return &result{name: a.tested.file.Name(), file: a.tested, took: time.Since(r.began), scores: scores, lints: lints, note: note, workers: r.workers}, nil
	}
}

func (r *run) useLabels(l *labels) {
	if l != nil && l.usable {
		r.labels = l
	}
}

// lint has a worker say what each runtime makes of a file. That is quick, and shown before anything is run.
func (a *app) lint(w *worker, m *model) ([]target.Report, error) {
	files, err := m.open()
	if err != nil {
		return nil, err
	}
	reply, err := w.call(protocol.Request{Kind: protocol.Lint, Tested: m.file.Name(), Siblings: m.names}, files, nil)
	if err != nil {
		return nil, err
	}
	var lints []target.Report
	return lints, json.Unmarshal(reply.Lints, &lints)
}

// scores has the workers test, and returns what they found together. Labels that do not fit the model, as is known only when it
// runs, are left out: note says why.
func (a *app) scores(r *run) (scores []report.Score, note string, err error) {
	scores, err = a.scored(r)
	var dead *deadError
	var gone *fileError
	if err == nil || r.labels == nil || errors.Is(err, errEnded) || errors.As(err, &dead) || errors.As(err, &gone) {
		return scores, "", err
	}
	note = view.Sentence(err.Error())
	r.labels, r.over = nil, false
	for w := range r.workers {
		if r.workers[w].ended != nil {
			r.workers[w] = nil
		}
	}
	scores, err = a.scored(r)
	return scores, note, err
}

func (a *app) scored(r *run) (scores []report.Score, err error) {
	states, err := a.execute(r, nil)
	if err != nil {
		return nil, err
	}
	reply, err := r.workers[0].call(protocol.Request{Kind: protocol.Score}, copies(states, 0), nil)
	if err != nil {
		return nil, err
	}
	return scores, json.Unmarshal(reply.Scores, &scores)
}

// checkResult tests the file that was just made and compared, behind its result: the workers are there, and so is the model.
func (a *app) checkResult(res *result) {
	r := a.newRun(a.model, scoring)
	r.workers, r.took = res.workers, make([]*worker, len(res.workers))
	r.tested = res.file
	r.useLabels(a.labels)
	r.show = func(*phase) {
		if a.check == r {
			a.showCheck(r)
		}
	}
	a.check = r
	a.showPredictions()
	web.Go(func() {
		lints, err := a.lint(r.workers[0], r.tested)
		if a.check == r && err == nil {
			res.lints = lints
			a.showPredictions()
			a.offerNumber()
		}
		scores, note, err := a.scores(r)
		if a.check != r {
			return // its result is forgotten, or it was stopped
		}
		a.check = nil
		if res.scores, res.note = scores, note; err != nil {
			res.failed = view.Sentence(err.Error())
			var dead *deadError
			if errors.As(err, &dead) {
				res.failed = "The engine stopped twice while it tested: it may have run out of memory. The file is as good as before."
			}
		}
		a.rest(res)
		a.showFindings()
		a.announce("The predictions are there.")
	})
}

// stopCheck ends the comparison or the test behind a result. Its workers stay until they have done what they were asked for.
func (a *app) stopCheck() {
	r := a.check
	if r == nil {
		return
	}
	a.check, r.over = nil, true
	a.result.failed = "The test was stopped."
	if a.result.comparing {
		a.result.comparing, a.result.run, a.result.states = false, nil, nil
		a.result.failed = "The comparison was stopped. The file is complete, and can be tested by dropping it on the page."
	}
	a.rest(a.result)
	a.showFindings()
	a.announce(a.result.failed)
}

// rest gives up the workers of a result but the one that holds its job, which stands by for models and previews too.
func (a *app) rest(res *result) {
	for _, w := range res.workers[1:] {
		if w != nil {
			w.end(errEnded)
		}
	}
	res.worker = res.workers[0]
	if res.worker.ended == nil && (a.pool.spare == nil || a.pool.spare.ended != nil) {
		a.pool.spare = res.worker
	}
	res.workers = nil
}

// showCheck shows how far the comparison or the test behind a result is.
func (a *app) showCheck(r *run) {
	a.raw("check-progress").Set("value", r.pace.share())
	a.text("check-text", r.progress())
}

// showPredictions shows what the test behind a result has given so far.
func (a *app) showPredictions() {
	a.html("predictions", view.Predicted(a.predictions()))
}

// predictions is what the test of a result has given so far.
func (a *app) predictions() view.Predictions {
	res := a.result
	return view.Predictions{Scores: res.scores, Lints: res.lints, Note: res.note, Failed: res.failed, Target: res.target, Running: a.check != nil, Comparing: res.comparing, Overflow: view.Saturated(res.report)}
}
