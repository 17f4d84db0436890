package calib

import (
	"math"

	"dropquant/engine/observe"
	"dropquant/engine/quant"
)

// entropy returns ±T, T the magnitude at which clipping loses the least
// information: for candidates T = i bins, with P the distribution of |x| whose
// values beyond T are moved into the last bin, and Q the unclipped one up to T,
// averaged over each of the grid's levels, KL(P‖Q) is the least. Of equal
// candidates the widest wins.
//
// On smooth distributions KL is nearly flat and picks thresholds that clip far
// too much, so none is tried that clips more than 0.1 percent of the values.
//
// Source: pytorch_quantization calib/histogram.py _compute_amax_entropy (2048 bins or
// more, the first bin set to the second so that the zeros of a ReLU do not count); the
// floor is onnxsim's. onnxruntime's own defaults, 128 bins for 128 levels, leave one
// candidate and are min–max (its issue 9597).
func entropy(s *observe.Stat, g quant.Grid, _ Options) (lo, hi float64) {
	h := s.Histogram()
	m := magnitudes(h)
	levels := int(g.QMax()-g.QMin()) + 1
	if len(h.Neg) > 0 {
		levels /= 2
	}
	floor := int(math.Ceil(tail(m, h.Width, 0.001*float64(h.Total)) / h.Width))
	if len(m) > 1 {
		m[0] = m[1]
	}

	c := cumulate(m)
	// A sixteenth of an 8-bit level is fine enough, and keeps this in milliseconds.
	stride := max(1, len(m)/512)
	best, at := math.Inf(1), len(m)
	for i := len(m); i >= max(levels, floor, 1); i -= stride {
		if kl := c.divergence(i, levels); kl < best {
			best, at = kl, i
		}
	}
	t := float64(at) * h.Width
	return -t, t
}

// cumulated holds sums over the bins below i, at index i.
type cumulated struct {
	bins  []uint64
	mass  []float64 // Σ n
	used  []float64 // number of bins with n > 0
	plogp []float64 // Σ n·log n
}

func cumulate(bins []uint64) cumulated {
	n := len(bins)
	c := cumulated{bins, make([]float64, n+1), make([]float64, n+1), make([]float64, n+1)}
	for i, b := range bins {
		c.mass[i+1], c.used[i+1], c.plogp[i+1] = c.mass[i], c.used[i], c.plogp[i]
		if b > 0 {
			x := float64(b)
			c.mass[i+1] += x
			c.used[i+1]++
			c.plogp[i+1] += float64(x * math.Log(x))
		}
	}
	return c
}

// smooth is what Q is taken to hold in an empty last bin onto which values are
// clipped. Without it the divergence is infinite, and an outlier far from all other values
// could never be clipped.
//
// Source: onnxruntime's calibrate.py smooths with the same 1e-4.
const smooth = 1e-4

// divergence returns KL(P‖Q) when everything from bin i on is clipped and the
// bins below are shared by the given number of levels.
//
// With N values, M of them below i: KL = (Σ p·log p − Σ p·log q)/N − log(N/M).
func (c cumulated) divergence(i, levels int) float64 {
	n := len(c.bins)
	total, kept := c.mass[n], c.mass[i]
	clipped := total - kept
	last := float64(c.bins[i-1])
	if kept == 0 {
		return math.Inf(1)
	}
	sum := c.plogp[i-1]
	if last == 0 && clipped > 0 {
		sum -= float64(clipped * math.Log(smooth)) // P has mass in the last bin, and Q none
		clipped = 0
	}
	if p := total - c.mass[i-1]; p > 0 {
		sum += float64(p * math.Log(p))
	}
	for l := range levels {
		a, b := l*i/levels, (l+1)*i/levels
		mass := c.mass[b] - c.mass[a]
		if mass == 0 {
			continue
		}
		q := mass / (c.used[b] - c.used[a])
		if b == i {
			mass += clipped
		}
		sum -= float64(mass * math.Log(q))
	}
	return sum/total - math.Log(total/kept)
}
