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
	"time"

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

// job runs the whole conversation on k workers. One of them dies before the step die, if it is above 0.
func job(t *testing.T, k, die int) ([]byte, report.Report) {
	t.Helper()
	var pieces [][]byte
	var early report.Report
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
		list := shard(len(paths)+1, i, k)
		if kind == protocol.Try {
			list = shard(len(paths)+1, 0, 1) // each worker takes what it needs
		}
		for _, at := range list {
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
	workers, took := make([]*worker, k), make([]*worker, k)
	var states [][]byte
	for step, kind := range []string{protocol.Observe, protocol.Probe, protocol.Try, protocol.Compare} {
		if kind == protocol.Compare {
			write := protocol.Request{Kind: protocol.Write, States: k - 1}
			if k > 1 { // another has found it meanwhile
				workers[k-1].ask(t, protocol.Request{Kind: protocol.Hash})
				write.Hash = workers[k-1].reply.Hash
			}
			pieces = workers[0].ask(t, write, others(states, 0)...)
			if err := json.Unmarshal(workers[0].reply.Report, &early); err != nil {
				t.Fatal(err)
			}
		}
		found := make([][]byte, k)
		for i := range workers {
			if workers[i] == nil || step == die && i == k-1 {
				workers[i] = start()
			}
			own := -1
			if took[i] == workers[i] {
				own = i
			}
			req, files := request(kind, i)
			req.Place, req.Of = i, k
			before := others(states, own)
			req.States = len(before)
			w := workers[i]
			w.progress, w.told = nil, time.Time{}
			if first := 1; kind != protocol.Try && len(files) > first { // the page sends a few at a time
				rest := req
				rest.Images, rest.States, rest.More = req.Images[first:], 0, true
				req.Images = req.Images[:first]
				w.ask(t, req, append(before, files[:first]...)...)
				w.ask(t, rest, files[first:]...)
				req = rest
			} else {
				w.ask(t, req, append(before, files...)...)
			}
			every := kind == protocol.Observe || kind == protocol.Compare // of the images it has, not of those that it needs
			if len(w.progress) > len(req.Images) || every && len(req.Images) > 1 && (len(w.progress) == 0 || w.progress[0] != req.Images[0].Index) {
				t.Errorf("%s: worker %d told of %v, it had %v", kind, i, w.progress, req.Images)
			}
			found[i] = bytes.Clone(w.ask(t, protocol.Request{Kind: protocol.State})[0])
		}
		states = found
		copy(took, workers)
	}
	workers[0].ask(t, protocol.Request{Kind: protocol.Report, States: k - 1}, others(states, 0)...)
	var rep report.Report
	if err := json.Unmarshal(workers[0].reply.Report, &rep); err != nil {
		t.Fatal(err)
	}
	if early.SizeAfter != rep.SizeAfter || early.Images != rep.Images || early.Agree != report.NoAgreement || !math.IsNaN(early.SQNR) {
		t.Errorf("before the comparison the report says %+v, after it %+v", early, rep)
	}
	return bytes.Join(pieces, nil), rep
}

// others returns the states without the one at a place, -1 for all.
func others(states [][]byte, without int) (files []source) {
	for i, s := range states {
		if i != without {
			files = append(files, of(s))
		}
	}
	return files
}

// The result does not depend on the number of workers, nor on one that died and was replaced.
func TestSameResult(t *testing.T) {
	model, rep := job(t, 1, 0)
	if rep.Images != 6 || len(rep.Skipped) != 1 || rep.Skipped[0].Name != "broken.jpg" {
		t.Errorf("the report counts %d images and skipped %v", rep.Images, rep.Skipped)
	}
	if len(rep.Layers) == 0 || rep.SizeAfter != int64(len(model)) {
		t.Errorf("the report has %d layers and says %d bytes of %d", len(rep.Layers), rep.SizeAfter, len(model))
	}
	for _, c := range []struct {
		k, die int
	}{{2, 0}, {3, 0}, {3, 1}, {3, 2}, {3, 3}} {
		again, repAgain := job(t, c.k, c.die)
		if !bytes.Equal(again, model) {
			t.Errorf("%d workers, death before step %d: the file differs", c.k, c.die)
		}
		a, _ := json.Marshal(rep)
		b, _ := json.Marshal(repAgain)
		if !bytes.Equal(a, b) {
			t.Errorf("%d workers, death before step %d: the report differs:\n%s\n%s", c.k, c.die, a, b)
		}
	}
}

// A test gives the same scores on any number of workers, beside those of the model that it is compared with.
func TestScores(t *testing.T) {
	model, _ := job(t, 1, 0)
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
			for _, i := range shard(len(paths), w, k) {
				req.Images = append(req.Images, protocol.Image{Index: i, Name: "photos/" + filepath.Base(paths[i])})
				files = append(files, of(sample(t, "photos/"+filepath.Base(paths[i]))))
			}
			workers[w].ask(t, req, files...)
			states[w] = of(workers[w].ask(t, protocol.Request{Kind: protocol.State})[0])
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
	model, _ := job(t, 1, 0)
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
	file := bytes.Join(w.ask(t, protocol.Request{Kind: protocol.Write}), nil)
	if again := bytes.Join(w.ask(t, protocol.Request{Kind: protocol.Write}), nil); !bytes.Equal(again, file) {
		t.Error("asked again, the worker writes another file")
	}
	w.ask(t, protocol.Request{Kind: protocol.Test, Options: json.RawMessage(`{}`), Tested: "int8.onnx", Images: images}, of(model), photo)
	pieces := w.ask(t, protocol.Request{Kind: protocol.Export, Name: "ir"}) // a job at rest can do it
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
		{"a report without a job", protocol.Request{Kind: protocol.Report}, nil, "quantize again"},
		{"more images without a job", protocol.Request{Kind: protocol.Compare, More: true}, nil, "quantize again"},
		{"more to observe without a job", protocol.Request{Kind: protocol.Observe, More: true}, nil, "quantize again"},
		{"a state of nothing", protocol.Request{Kind: protocol.State}, nil, "quantize again"},
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

// shard returns which of n images worker w of k does.
func shard(n, w, k int) (list []int) {
	for i := w; i < n; i += k {
		list = append(list, i)
	}
	return list
}
