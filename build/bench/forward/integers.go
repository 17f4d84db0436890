package main

import (
	"fmt"

	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/intsim"
	"dropquant/engine/onnx"
)

// quantized reads the model once more, quantized, and compiles it as a runtime on a kind of processor executes it. From then on
// layers are those of this program.
func (s *session) quantized(file []byte, target, isa string) error {
	backend := intsim.ByName(target, isa)
	if backend == nil {
		return fmt.Errorf("no backend is called %q %q", target, isa)
	}
	model, err := onnx.Parse(file)
	if err != nil {
		return err
	}
	g, err := graph.FromONNX(model)
	if err != nil {
		return err
	}
	if s.integers, err = intsim.Compile(g, backend, s.shapes, intsim.Options{}); err != nil {
		return err
	}
	lowered, err := intsim.Lower(g, backend, s.shapes)
	if err != nil {
		return err
	}
	s.profiled, s.options = lowered.Graph, exec.Options{Arithmetic: backend.Arithmetic}
	return nil
}

func (s *session) runIntegers() error {
	_, err := s.integers.Run(s.feeds(), nil)
	return err
}
