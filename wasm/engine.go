package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"dropquant/engine"
	"dropquant/engine/dataset"
	"dropquant/engine/target"
	"dropquant/wasm/protocol"
)

// This file is where messages meet the engine's types.

func options(text json.RawMessage) (engine.Options, error) {
	var o engine.Options
	if err := json.Unmarshal(text, &o); err != nil {
		return o, fmt.Errorf("the options cannot be read: %w", err)
	}
	return o, nil
}

// siblings finds the files beside a model among those that came with a request.
func siblings(req protocol.Request, files []source) func(name string) ([]byte, bool) {
	return func(name string) ([]byte, bool) {
		for i, sibling := range req.Siblings {
			if sibling == name {
				data, err := files[i]()
				return data, err == nil
			}
		}
		return nil, false
	}
}

func modelInfo(m *engine.Model, text json.RawMessage) (json.RawMessage, error) {
	o, err := options(text)
	if err != nil {
		return nil, err
	}
	return json.Marshal(m.Info(o.Target, o.Preset))
}

func newJob(m *engine.Model, text json.RawMessage) (*engine.Job, error) {
	o, err := options(text)
	if err != nil {
		return nil, err
	}
	return engine.NewJob(m, o)
}

func jobReport(j *engine.Job) (json.RawMessage, error) { return json.Marshal(j.Report()) }

// testOptions reads what comes before the images of a test: the model and the labels, if there are any. A model that is compared
// with the loaded one is tested in every arithmetic beside it; the loaded one alone is compared with itself in plain Q/DQ.
func testOptions(loaded *engine.Model, req protocol.Request, files []source) (engine.TestOptions, []source, error) {
	o, err := options(req.Options)
	t := engine.TestOptions{Preset: o.Preset, Lenient: true, Contenders: []engine.Contender{{Model: loaded, Backend: engine.Plain}}}
	if err != nil {
		return t, nil, err
	}
	tested, files, err := testedModel(loaded, req, files)
	if err != nil {
		return t, nil, err
	}
	if req.Labels != "" {
		data, err := files[0]()
		if err != nil {
			return t, nil, &engine.FileError{File: req.Labels, Err: err}
		}
		if t.Labels, err = dataset.ParseLabels(req.Labels, data); err != nil {
			return t, nil, err
		}
		files = files[1:]
	}
	for _, b := range engine.Backends {
		if tested != loaded || b != engine.Plain {
			t.Contenders = append(t.Contenders, engine.Contender{Model: tested, Backend: b})
		}
	}
	return t, files, nil
}

// testedModel reads the model that a request brings, and returns the files behind it; without one it is the loaded model.
func testedModel(loaded *engine.Model, req protocol.Request, files []source) (*engine.Model, []source, error) {
	if req.Tested == "" {
		return loaded, files, nil
	}
	data, err := files[0]()
	if err != nil {
		return nil, nil, &engine.FileError{File: req.Tested, Err: err}
	}
	m, err := engine.LoadAny(engine.File{Name: req.Tested, Data: data}, siblings(req, files[1:]))
	return m, files[1+len(req.Siblings):], err
}

// order puts the backends of a target before others.
func order(b engine.Backend, target string) int {
	if b.Target == target {
		return 0
	}
	return 1
}

// traceNumber follows one number of the model that comes with a request, or of the loaded one, through every arithmetic.
func traceNumber(loaded *engine.Model, req protocol.Request, files []source) (json.RawMessage, error) {
	o, err := options(req.Options)
	if err != nil {
		return nil, err
	}
	var element engine.Element
	if err := json.Unmarshal(req.Element, &element); err != nil {
		return nil, fmt.Errorf("the element cannot be read: %w", err)
	}
	m, files, err := testedModel(loaded, req, files)
	if err != nil {
		return nil, err
	}
	ref := loaded
	if m == loaded {
		ref = nil
	}
	data, err := files[0]()
	if err != nil {
		return nil, &engine.FileError{File: req.Name, Err: err}
	}
	if o.Preset.Name == "" {
		o.Preset, _ = loaded.Guess()
	}
	own := slices.Clone(engine.Backends) // the target that the file is for first: others are compared with it
	slices.SortStableFunc(own, func(a, b engine.Backend) int { return order(a, o.Target) - order(b, o.Target) })
	trace, err := engine.TraceModel(m, ref, own, o.Preset, engine.File{Name: req.Name, Data: data}, element)
	if err != nil {
		return nil, err
	}
	return json.Marshal(trace)
}

// lintAll says what each runtime makes of the model that comes with a request.
func lintAll(req protocol.Request, files []source) (json.RawMessage, error) {
	data, err := files[0]()
	if err != nil {
		return nil, &engine.FileError{File: req.Tested, Err: err}
	}
	var out []*target.Report
	for _, t := range target.Targets {
		r, err := engine.Lint(engine.File{Name: req.Tested, Data: data}, siblings(req, files[1:]), t.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return json.Marshal(out)
}

func jobFiles(j *engine.Job, format string) ([][][]byte, error) {
	f, err := engine.FindFormat(format)
	if err != nil {
		return nil, err
	}
	return j.ExportAs(f)
}

func testScores(t *engine.Tester) (json.RawMessage, error) {
	scores, err := t.Scores()
	if err != nil {
		return nil, err
	}
	return json.Marshal(scores)
}

// networkView decodes and preprocesses one image and returns the pixels to draw, RGBA, beside their statistics.
func networkView(req protocol.Request, data []byte) (*protocol.View, []byte, error) {
	o, err := options(req.Options)
	if err != nil {
		return nil, nil, err
	}
	in, err := dataset.InputOf(req.Shape, o.Preset.Crop)
	if err != nil {
		return nil, nil, err
	}
	image, err := dataset.Open(req.Name, data, o.Preset)
	if err != nil {
		return nil, nil, err
	}
	preview, err := o.Preset.Preview(image, in)
	if err != nil {
		return nil, nil, err
	}
	frame := preview.Frame
	view := &protocol.View{Width: frame.W, Height: frame.H}
	for _, c := range preview.Channels {
		view.Channels = append(view.Channels, protocol.Channel{Name: c.Name, Min: c.Min, Mean: c.Mean, Max: c.Max})
	}
	rgba := make([]byte, 0, frame.W*frame.H*4)
	for i := 0; i+2 < len(frame.Pix); i += 3 {
		rgba = append(rgba, frame.Pix[i], frame.Pix[i+1], frame.Pix[i+2], 255)
	}
	return view, rgba, nil
}
