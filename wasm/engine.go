package main

import (
	"encoding/json"
	"fmt"

	"dropquant/engine"
	"dropquant/engine/dataset"
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
	image, err := dataset.Decode(req.Name, data)
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
