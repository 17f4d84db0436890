package main

import (
	"fmt"
	"time"
	"unsafe"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/observe"
	"dropquant/engine/onnx"
	"dropquant/engine/op"
	"dropquant/engine/pass"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// session is a model and what it runs on.
type session struct {
	graph  *graph.Graph
	shapes map[string][]int
	input  *tensor.Tensor
	plain  *exec.Program
	macs   int64

	integers *intsim.Program // nil until a quantized file is read
	profiled *graph.Graph    // what layers runs
	options  exec.Options

	photos  [][]byte
	preset  string
	decoded int              // how many times one was
	inputs  []*tensor.Tensor // what passes take in turn instead of input, once there are some
	passes  int

	calibrating *exec.Program // nil until it is asked for
	stats       map[*graph.Value]*observe.Stat
	images      int
}

// load reads a model and prepares it as a job does: folded, and compiled for a batch of one.
func (s *session) load(file []byte) error {
	*s = session{shapes: map[string][]int{}}
	model, err := onnx.Parse(file)
	if err != nil {
		return err
	}
	if s.graph, err = graph.FromONNX(model); err != nil {
		return err
	}
	if len(s.graph.Inputs) != 1 {
		return fmt.Errorf("the model has %d inputs: the benchmark runs models with one", len(s.graph.Inputs))
	}
	in := s.graph.Inputs[0]
	shape := append([]int(nil), in.Shape...)
	if len(shape) > 0 && shape[0] < 1 {
		shape[0] = 1
	}
	s.shapes[in.Name] = shape
	if err := pass.Float(s.graph); err != nil {
		return err
	}
	if err := op.Infer(s.graph, s.shapes); err != nil {
		return err
	}
	for _, n := range s.graph.Nodes {
		s.macs += op.MACs(n)
	}
	s.profiled = s.graph
	s.input = tensor.New(tensor.Float32, shape...)
	s.plain, err = exec.Compile(s.graph, s.shapes, exec.Options{})
	return err
}

// info is what the page must know of the model.
func (s *session) info() map[string]any {
	return map[string]any{"input": s.graph.Inputs[0].Name, "shape": s.input.Shape, "macs": s.macs}
}

func (s *session) inputBytes() []byte { return view(s.input.F32()) }

func view(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

func (s *session) feeds() map[string]*tensor.Tensor {
	x := s.input
	if n := len(s.inputs); n > 0 {
		x = s.inputs[s.passes%n]
		s.passes++
	}
	return map[string]*tensor.Tensor{s.graph.Inputs[0].Name: x}
}

func (s *session) run() error {
	_, err := s.plain.Run(s.feeds(), nil)
	return err
}

// watch compiles the model once more, with every value in view that a job observes for OpenVINO: those that need a range,
// and the outputs.
func (s *session) watch() (err error) {
	if s.calibrating != nil {
		return nil
	}
	s.stats = map[*graph.Value]*observe.Stat{}
	watch := map[*graph.Value]bool{}
	for _, v := range target.Place(s.graph, target.OpenVINO).Values() {
		s.stats[v], watch[v] = &observe.Stat{}, true
	}
	for _, v := range s.graph.Outputs {
		watch[v] = true
	}
	s.calibrating, err = exec.Compile(s.graph, s.shapes, exec.Options{Watch: watch})
	return err
}

// observe is engine.Job.Observe without decoding an image.
func (s *session) observe() error {
	s.images++
	_, err := s.calibrating.Run(s.feeds(), func(v *graph.Value, t *tensor.Tensor) {
		if stat := s.stats[v]; stat != nil {
			stat.Observe(s.images, uint32(s.images), t.F32())
		}
	})
	return err
}

// timed returns the mean time of several calls.
func timed(times int, f func() error) (float64, error) {
	began := time.Now()
	for range times {
		if err := f(); err != nil {
			return 0, err
		}
	}
	return millis(time.Since(began)) / float64(times), nil
}

func millis(d time.Duration) float64 { return d.Seconds() * 1e3 }
