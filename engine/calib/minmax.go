package calib

import (
	"math"

	"dropquant/engine/observe"
	"dropquant/engine/quant"
)

// minmax returns the extremes of all images.
func minmax(s *observe.Stat, _ quant.Grid, _ Options) (lo, hi float64) {
	a, b, _ := s.Range()
	return float64(a), float64(b)
}

// meanMinmax returns the mean of the images' smallest values and that of their
// largest; on a symmetric grid the mean of their largest magnitudes.
//
// Source: NNCF's MEAN_MINMAX, which takes the absolute values first when it is symmetric.
func meanMinmax(s *observe.Stat, g quant.Grid, _ Options) (lo, hi float64) {
	images := s.Images()
	var magnitude float64
	for _, e := range images {
		lo += float64(e.Lo)
		hi += float64(e.Hi)
		magnitude += math.Max(-float64(e.Lo), float64(e.Hi))
	}
	n := float64(len(images))
	if g.Symmetric {
		return -magnitude / n, magnitude / n
	}
	return lo / n, hi / n
}

// movingAverage folds the extremes in image order: the first image's, then
// each next image moves them by the averaging constant of the difference.
//
// Torch folds batches, so a constant of 0.1 there follows 32 images a step and
// here one; its ranges are therefore a little wider than these.
func movingAverage(s *observe.Stat, _ quant.Grid, o Options) (lo, hi float64) {
	c := o.Averaging
	if c == 0 {
		c = 0.1
	}
	for i, e := range s.Images() {
		a, b := float64(e.Lo), float64(e.Hi)
		if i == 0 {
			lo, hi = a, b
			continue
		}
		lo += float64(c * (a - lo)) // converted: no fused multiply-add
		hi += float64(c * (b - hi))
	}
	return lo, hi
}
