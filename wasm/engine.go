package main

import (
	"encoding/json"
	"fmt"

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
	next := func(name string) (data []byte) {
		if err == nil {
			if data, err = files[0](); err != nil {
				err = &engine.FileError{File: name, Err: err}
			}
			files = files[1:]
		}
		return data
	}
	tested := loaded
	if req.Tested != "" {
		if data := next(req.Tested); err == nil {
			tested, err = engine.LoadAny(engine.File{Name: req.Tested, Data: data}, siblings(req, files))
			files = files[len(req.Siblings):]
		}
	}
	if req.Labels != "" {
		if data := next(req.Labels); err == nil {
			t.Labels, err = dataset.ParseLabels(req.Labels, data)
		}
	}
	for _, b := range engine.Backends {
		if tested != loaded || b != engine.Plain {
			t.Contenders = append(t.Contenders, engine.Contender{Model: tested, Backend: b})
		}
	}
	return t, files, err
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
