package main

import (
	"fmt"

	"dropquant/engine/dataset"
)

// decode makes the next of the photos the input of the model, as a job does before each pass.
func (s *session) decode() error {
	preset, ok := dataset.FindPreset("torchvision")
	if !ok || len(s.photos) == 0 {
		return fmt.Errorf("%d photos, preset %v", len(s.photos), ok)
	}
	shape := s.input.Shape
	list, err := dataset.Samples("photo", s.photos[s.decoded%len(s.photos)], preset, dataset.Input{C: shape[1], H: shape[2], W: shape[3]})
	if err != nil {
		return err
	}
	s.decoded++
	s.input.CopyFrom(list[0])
	return nil
}
