package main

import (
	"fmt"

	"dropquant/engine/dataset"
	"dropquant/engine/tensor"
)

// decode makes the next of the photos the input of the model, as a job does before each pass.
func (s *session) decode() error {
	x, err := s.photo(s.decoded)
	if err != nil {
		return err
	}
	s.decoded++
	s.input.CopyFrom(x)
	return nil
}

// prepare makes all photos inputs, which passes take in turn from then on.
func (s *session) prepare() error {
	for i := range s.photos {
		x, err := s.photo(i)
		if err != nil {
			return err
		}
		s.inputs = append(s.inputs, x)
	}
	return nil
}

// photo makes one of the photos, which go round, an input.
func (s *session) photo(i int) (*tensor.Tensor, error) {
	preset, ok := dataset.FindPreset(s.preset)
	if !ok || len(s.photos) == 0 {
		return nil, fmt.Errorf("%d photos, preset %q", len(s.photos), s.preset)
	}
	shape := s.input.Shape
	list, err := dataset.Samples("photo", s.photos[i%len(s.photos)], preset, dataset.Input{C: shape[1], H: shape[2], W: shape[3]})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}
