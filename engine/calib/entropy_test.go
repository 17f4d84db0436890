package calib

import (
	"math"
	"math/rand/v2"
	"testing"

	"dropquant/engine/observe"
	"dropquant/engine/quant"
)

// The closed sums agree with KL(P‖Q) written out.
func TestDivergence(t *testing.T) {
	bins := []uint64{9, 9, 0, 4, 7, 1, 0, 0, 2, 3, 5, 1, 1, 0, 1, 2}
	c := cumulate(bins)
	for _, levels := range []int{1, 2, 4, 5} {
		for i := levels; i <= len(bins); i++ {
			got, want := c.divergence(i, levels), written(bins, i, levels)
			if got != want && math.Abs(got-want) > 1e-12 {
				t.Errorf("%d bins on %d levels: %v, want %v", i, levels, got, want)
			}
		}
	}
}

// written is KL(P‖Q) as its definition goes.
func written(bins []uint64, i, levels int) float64 {
	p, q := make([]float64, i), make([]float64, i)
	for j, n := range bins {
		p[min(j, i-1)] += float64(n)
	}
	for l := range levels {
		from, to := l*i/levels, (l+1)*i/levels
		sum, used := 0.0, 0.0
		for _, n := range bins[from:to] {
			if sum += float64(n); n > 0 {
				used++
			}
		}
		for j := from; j < to; j++ {
			if bins[j] > 0 {
				q[j] = sum / used
			}
		}
	}
	var np, nq, kl float64
	if q[i-1] == 0 && p[i-1] > 0 {
		q[i-1] = smooth
	}
	for j := range p {
		np += p[j]
		nq += q[j]
	}
	if q[i-1] == smooth {
		nq -= smooth // negligible, and left out of the closed sums
	}
	for j := range p {
		if p[j] > 0 {
			kl += p[j] / np * math.Log(p[j]/np/(q[j]/nq))
		}
	}
	return kl
}

// No more than 0.1 percent is clipped, where plain KL would clip far more; an
// outlier, far out and alone, is.
func TestEntropyFloor(t *testing.T) {
	for name, s := range samples() {
		for _, g := range []quant.Grid{quant.U8, quant.S8} {
			lo, hi, _ := Range("entropy", s, g, Options{})
			h := s.Histogram()
			beyond, last := uint64(0), math.Floor(math.Max(-float64(lo), float64(hi))/h.Width)
			for i, n := range magnitudes(h) {
				if float64(i) > last {
					beyond += n
				}
			}
			if float64(beyond) > 0.001*float64(h.Total) {
				t.Errorf("%s on %v: %v…%v clips %d of %d", name, g, lo, hi, beyond, h.Total)
			}
		}
	}
	if _, hi, _ := Range("entropy", samples()["outlier"], quant.S8, Options{}); hi > 100 {
		t.Errorf("one outlier of 1000 keeps the range at %v", hi)
	}
}

// A slice large enough to be sampled is counted whole for entropy, and for it alone.
func TestEntropyCountsAll(t *testing.T) {
	x := make([]float32, 1<<16)
	r := rand.New(rand.NewPCG(5, 6))
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	bins := func(s *observe.Stat) (n int) {
		s.Observe(0, 1, x)
		for _, c := range s.Histogram().Pos {
			if c > 0 {
				n++
			}
		}
		return n
	}
	whole, entropy, mse := bins(&observe.Stat{Whole: true}), bins(NewStat("entropy")), bins(NewStat("mse"))
	if entropy != whole || mse >= whole*9/10 {
		t.Errorf("%d bins are in use for entropy, %d for mse, %d when all is counted", entropy, mse, whole)
	}
}
