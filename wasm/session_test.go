package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"dropquant/engine"
	"dropquant/engine/dataset"
	"dropquant/engine/onnx"
	"dropquant/engine/report"
	"dropquant/engine/target"
	"dropquant/wasm/protocol"
)

// worker is a session whose replies are kept.
type worker struct {
	*session
	reply    protocol.Reply
	arrays   [][]byte
	progress []int
}

func newWorker() *worker {
	w := &worker{}
	w.session = &session{send: func(r protocol.Reply, arrays ...[]byte) {
		if r.Kind == protocol.Progress {
			w.progress = append(w.progress, r.Index)
			return
		}
		w.reply, w.arrays = r, arrays
	}}
	return w
}

// ask sends a request and returns the reply's arrays.
func (w *worker) ask(t *testing.T, req protocol.Request, files ...source) [][]byte {
	t.Helper()
	w.handle(req, files)
	if w.reply.Kind != protocol.Done {
		t.Fatalf("%s: %s %s", req.Kind, w.reply.Kind, w.reply.Error)
	}
	return w.arrays
}

func of(data []byte) source { return func() ([]byte, error) { return data, nil } }

// sample reads a file of the samples that the page ships.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "build", "samples", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// job runs the whole conversation on k workers. One of them dies between the phases if die is set.
func job(t *testing.T, k int, die bool) ([]byte, report.Report) {
	t.Helper()
	model := sample(t, "cifar10_resnet20.onnx")
	paths, err := filepath.Glob(filepath.Join("..", "build", "samples", "photos", "*.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	paths = paths[:6]
	options := json.RawMessage(`{"target":"openvino"}`)
	start := func() *worker {
		w := newWorker()
		w.ask(t, protocol.Request{Kind: protocol.Load, Name: "cifar10_resnet20.onnx", Options: options}, of(model))
		return w
	}
	request := func(kind string, i int) (protocol.Request, []source) {
		req := protocol.Request{Kind: kind, Options: options}
		var files []source
		for _, at := range protocol.Shard(len(paths)+1, i, k) {
			if at == len(paths) { // the last is no image
				req.Images = append(req.Images, protocol.Image{Index: at, Name: "broken.jpg"})
				files = append(files, of([]byte("no picture")))
				continue
			}
			req.Images = append(req.Images, protocol.Image{Index: at, Name: filepath.Base(paths[at])})
			files = append(files, of(sample(t, "photos/"+filepath.Base(paths[at]))))
		}
		return req, files
	}
	workers := make([]*worker, k)
	states := make([][]byte, k)
	for i := range workers {
		workers[i] = start()
		req, files := request(protocol.Observe, i)
		states[i] = workers[i].ask(t, req, files...)[0]
		if len(workers[i].progress) != len(files) {
			t.Errorf("worker %d told of %d images, it had %d", i, len(workers[i].progress), len(files))
		}
	}
	results := make([][]byte, k)
	for i, w := range workers {
		fresh := die && i == k-1
		if fresh {
			w = start()
		}
		var before []source
		for s := range states {
			if s != i || fresh {
				before = append(before, of(states[s]))
			}
		}
		req, files := request(protocol.Compare, i)
		req.States = len(before)
		for at, path := range paths {
			req.Probes = append(req.Probes, protocol.Image{Index: at, Name: filepath.Base(path)})
			before = append(before, of(sample(t, "photos/"+filepath.Base(path))))
		}
		results[i] = w.ask(t, req, append(before, files...)...)[0]
	}
	var rest []source
	for _, s := range results[1:] {
		rest = append(rest, of(s))
	}
	pieces := workers[0].ask(t, protocol.Request{Kind: protocol.Finish}, rest...)
	var rep report.Report
	if err := json.Unmarshal(workers[0].reply.Report, &rep); err != nil {
		t.Fatal(err)
	}
	return bytes.Join(pieces, nil), rep
}

// The result does not depend on the number of workers, nor on one that died and was replaced.
func TestSameResult(t *testing.T) {
	model, rep := job(t, 1, false)
	if rep.Images != 6 || len(rep.Skipped) != 1 || rep.Skipped[0].Name != "broken.jpg" {
		t.Errorf("the report counts %d images and skipped %v", rep.Images, rep.Skipped)
	}
	if len(rep.Layers) == 0 || rep.SizeAfter != int64(len(model)) {
		t.Errorf("the report has %d layers and says %d bytes of %d", len(rep.Layers), rep.SizeAfter, len(model))
	}
	for _, c := range []struct {
		k   int
		die bool
	}{{2, false}, {3, false}, {3, true}} {
		again, repAgain := job(t, c.k, c.die)
		if !bytes.Equal(again, model) {
			t.Errorf("%d workers, death %v: the file differs", c.k, c.die)
		}
		a, _ := json.Marshal(rep)
		b, _ := json.Marshal(repAgain)
		if !bytes.Equal(a, b) {
			t.Errorf("%d workers, death %v: the report differs:\n%s\n%s", c.k, c.die, a, b)
		}
	}
}

// A test gives the same scores on any number of workers, beside those of the model that it is compared with.
func TestScores(t *testing.T) {
	model, _ := job(t, 1, false)
	paths, err := filepath.Glob(filepath.Join("..", "build", "samples", "photos", "*.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	paths = paths[:5]
	table := "file,label\n"
	for i, path := range paths {
		table += filepath.Base(path) + "," + strconv.Itoa(i) + "\n"
	}
	test := func(k int, tested, labels string) (scores []report.Score) {
		workers, states := make([]*worker, k), make([]source, k)
		for w := range workers {
			workers[w] = newWorker()
			loaded := sample(t, "cifar10_resnet20.onnx")
			if tested == "" {
				loaded = model
			}
			workers[w].ask(t, protocol.Request{Kind: protocol.Load, Name: "cifar10_resnet20.onnx"}, of(loaded))
			req := protocol.Request{Kind: protocol.Test, Options: json.RawMessage(`{}`), Tested: tested, Labels: labels}
			var files []source
			if tested != "" {
				files = append(files, of(model))
			}
			if labels != "" {
				files = append(files, of([]byte(table)))
			}
			for _, i := range protocol.Shard(len(paths), w, k) {
				req.Images = append(req.Images, protocol.Image{Index: i, Name: "photos/" + filepath.Base(paths[i])})
				files = append(files, of(sample(t, "photos/"+filepath.Base(paths[i]))))
			}
			states[w] = of(workers[w].ask(t, req, files...)[0])
		}
		workers[0].ask(t, protocol.Request{Kind: protocol.Score}, states[1:]...)
		if err := json.Unmarshal(workers[0].reply.Scores, &scores); err != nil {
			t.Fatal(err)
		}
		return scores
	}
	one := test(1, "int8.onnx", "labels.csv")
	if len(one) != 1+len(engine.Backends) || one[0].Images != 5 || math.IsNaN(one[0].Top1) || one[1].Model != "int8.onnx" || math.IsNaN(one[1].Agreement) || !(one[1].SQNR > 10) {
		t.Errorf("the scores are %+v", one)
	}
	if three := test(3, "int8.onnx", "labels.csv"); fmt.Sprint(three) != fmt.Sprint(one) {
		t.Errorf("one worker gives %+v, three give %+v", one, three)
	}
	if alone := test(2, "", ""); len(alone) != len(engine.Backends) || !math.IsNaN(alone[0].Top1) || alone[0].Images != 5 {
		t.Errorf("the model alone: %+v", alone)
	}
}

// A number is traced through every arithmetic; a result can be had in other formats, and is linted for every target.
func TestTraceLintExport(t *testing.T) {
	model, _ := job(t, 1, false)
	photos, _ := filepath.Glob(filepath.Join("..", "build", "samples", "photos", "*.jpg"))
	w := newWorker()
	w.ask(t, protocol.Request{Kind: protocol.Load, Name: "cifar10_resnet20.onnx"}, of(sample(t, "cifar10_resnet20.onnx")))
	w.ask(t, protocol.Request{Kind: protocol.Lint, Tested: "int8.onnx"}, of(model))
	var lints []target.Report
	if err := json.Unmarshal(w.reply.Lints, &lints); err != nil || len(lints) != len(target.Targets) {
		t.Fatalf("%d reports of the linter (%v)", len(lints), err)
	}
	layer := ""
	for _, n := range lints[0].Nodes {
		if n.Op == "Conv" {
			layer = n.Name
		}
	}
	element, err := json.Marshal(engine.Element{Layer: layer, Channel: -1})
	if err != nil {
		t.Fatal(err)
	}
	req := protocol.Request{Kind: protocol.Trace, Tested: "int8.onnx", Name: "a.jpg", Options: json.RawMessage(`{}`), Element: element}
	w.ask(t, req, of(model), of(sample(t, "photos/"+filepath.Base(photos[0]))))
	var trace engine.Trace
	if err := json.Unmarshal(w.reply.Trace, &trace); err != nil || len(trace.Columns) != len(engine.Backends)+1 || trace.Element.Channel < 0 || trace.Columns[0].Blocked != "" {
		t.Errorf("the trace is %s (%v)", w.reply.Trace, err)
	}
	w.handle(protocol.Request{Kind: protocol.Export, Name: "ir"}, nil)
	if w.reply.Kind != protocol.Failed || !strings.Contains(w.reply.Error, "quantize again") {
		t.Errorf("an export without a result: %s %q", w.reply.Kind, w.reply.Error)
	}
	photo := of(sample(t, "photos/"+filepath.Base(photos[0])))
	images := []protocol.Image{{Index: 0, Name: "a.jpg"}}
	w.ask(t, protocol.Request{Kind: protocol.Observe, Options: json.RawMessage(`{}`), Images: images}, photo)
	w.ask(t, protocol.Request{Kind: protocol.Compare, Options: json.RawMessage(`{}`), Images: images}, photo)
	pieces := w.ask(t, protocol.Request{Kind: protocol.Export, Name: "ir"})
	if len(w.reply.Parts) != 2 || w.reply.Parts[0]+w.reply.Parts[1] != len(pieces) || !bytes.HasPrefix(pieces[0], []byte("<?xml")) {
		t.Errorf("OpenVINO's files are %v of %d pieces", w.reply.Parts, len(pieces))
	}
	w.handle(protocol.Request{Kind: protocol.Export, Name: "papyrus"}, nil)
	if w.reply.Kind != protocol.Failed || !strings.Contains(w.reply.Error, "papyrus") {
		t.Errorf("an unknown format: %s %q", w.reply.Kind, w.reply.Error)
	}
}

func TestPreview(t *testing.T) {
	w := newWorker()
	preset, _ := dataset.FindPreset("cifar")
	options, err := json.Marshal(engine.Options{Preset: preset})
	if err != nil {
		t.Fatal(err)
	}
	photos, _ := filepath.Glob(filepath.Join("..", "build", "samples", "photos", "*.jpg"))
	photo := sample(t, "photos/"+filepath.Base(photos[0]))
	arrays := w.ask(t, protocol.Request{Kind: protocol.Preview, Name: "a.jpg", Options: options, Shape: []int{-1, 3, 32, 32}}, of(photo))
	v := w.reply.View
	if v.Width != 32 || v.Height != 32 || len(arrays[0]) != 32*32*4 || len(v.Channels) != 3 {
		t.Fatalf("the view is %+v with %d bytes", v, len(arrays[0]))
	}
	for i := 3; i < len(arrays[0]); i += 4 {
		if arrays[0][i] != 255 {
			t.Fatal("a pixel is not opaque")
		}
	}
	for _, c := range v.Channels {
		if !(c.Min < c.Mean && c.Mean < c.Max) {
			t.Errorf("channel %+v", c)
		}
	}
}

// What goes wrong comes back as a sentence that names the file, and the worker lives on.
func TestFailures(t *testing.T) {
	model := sample(t, "cifar10_resnet20.onnx")
	gone := func() ([]byte, error) { return nil, errors.New("it was deleted") }
	for _, c := range []struct {
		name string
		req  protocol.Request
		file source
		want string
	}{
		{"a truncated model", protocol.Request{Kind: protocol.Load, Name: "m.onnx"}, of(model[:len(model)/2]), `"m.onnx"`},
		{"no model", protocol.Request{Kind: protocol.Load, Name: "m.onnx"}, of([]byte("hello")), `"m.onnx"`},
		{"an empty model", protocol.Request{Kind: protocol.Load, Name: "m.onnx"}, of(nil), `"m.onnx"`},
		{"a model that is gone", protocol.Request{Kind: protocol.Load, Name: "m.onnx"}, gone, `"m.onnx": it was deleted`},
		{"no picture", protocol.Request{Kind: protocol.Preview, Name: "a.jpg", Options: json.RawMessage(`{"preset":{"crop":32}}`), Shape: []int{1, 3, 32, 32}}, of([]byte("hello")), ""},
		{"a strange target", protocol.Request{Kind: protocol.Observe, Options: json.RawMessage(`{"target":"abacus"}`)}, nil, `abacus`},
		{"labels that are none", protocol.Request{Kind: protocol.Test, Options: json.RawMessage(`{}`), Labels: "l.csv"}, of([]byte("a.jpg,1\nb.jpg,cat\n")), `"l.csv", line 2`},
		{"a strange model to test", protocol.Request{Kind: protocol.Test, Options: json.RawMessage(`{}`), Tested: "x.onnx"}, of([]byte("hello")), `"x.onnx"`},
		{"scores without a test", protocol.Request{Kind: protocol.Score}, nil, "test again"},
		{"options that are none", protocol.Request{Kind: protocol.Observe, Options: json.RawMessage(`[]`)}, nil, "options"},
	} {
		w := newWorker()
		w.ask(t, protocol.Request{Kind: protocol.Load, Name: "good.onnx", Options: json.RawMessage(`{}`)}, of(model))
		w.handle(c.req, []source{c.file})
		if w.reply.Kind != protocol.Failed || !strings.Contains(w.reply.Error, c.want) || w.reply.Error == "" {
			t.Errorf("%s: %s %q, want a failure with %q", c.name, w.reply.Kind, w.reply.Error, c.want)
		}
		if strings.Contains(w.reply.Error, "fault") {
			t.Errorf("%s: the engine panicked: %s", c.name, w.reply.Error)
		}
	}
}

// A model that keeps its weights in a file beside it is read with that file, and says its name without it.
func TestExternalData(t *testing.T) {
	m, err := onnx.Parse(sample(t, "cifar10_resnet20.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	var weights []byte
	for _, tensor := range m.Graph.Initializer {
		if len(tensor.RawData) == 0 {
			continue
		}
		for _, e := range [][2]string{{"location", "weights/r20.bin"}, {"offset", strconv.Itoa(len(weights))}, {"length", strconv.Itoa(len(tensor.RawData))}} {
			entry := &onnx.StringStringEntry{}
			entry.SetKey(e[0])
			entry.SetValue(e[1])
			tensor.ExternalData = append(tensor.ExternalData, entry)
		}
		weights = append(weights, tensor.RawData...)
		tensor.ClearRawData()
		tensor.SetDataLocation(onnx.TensorDataLocationExternal)
	}
	if len(weights) < 1_000_000 {
		t.Fatalf("only %d bytes of weights were moved out", len(weights))
	}
	model := m.Marshal()
	load := protocol.Request{Kind: protocol.Load, Name: "m.onnx", Options: json.RawMessage(`{}`), Siblings: []string{"other.txt", "weights/r20.bin"}}
	w := newWorker()
	w.ask(t, load, of(model), of([]byte("not asked for")), of(weights))
	var info engine.Info
	if err := json.Unmarshal(w.reply.Info, &info); err != nil || info.Blocked != "" || info.Size != int64(len(model)+len(weights)) {
		t.Errorf("the model is %+v (%v)", info, err)
	}
	load.Siblings = nil
	w.handle(load, []source{of(model)})
	if w.reply.Kind != protocol.Failed || !strings.Contains(w.reply.Error, "weights/r20.bin") {
		t.Errorf("without the file: %s %q", w.reply.Kind, w.reply.Error)
	}
}
