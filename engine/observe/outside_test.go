package observe

import "testing"

func TestOutside(t *testing.T) {
	var s Stat
	x := []float32{0, 0}
	for i := 1; i <= 100; i++ {
		x = append(x, float32(i), -float32(i))
	}
	s.Observe(0, 0, x)
	h := s.Histogram()
	for _, c := range []struct {
		lo, hi float32
		want   float64
	}{
		{-101, 101, 0}, {-101, 50.5, 50. / 202}, {-90.5, 50.5, 60. / 202}, {-1.5, 0, 199. / 202},
	} {
		if got := h.Outside(c.lo, c.hi); got != c.want {
			t.Errorf("outside %v…%v lies %v, want %v", c.lo, c.hi, got, c.want)
		}
	}
	if got := (Histogram{}).Outside(-1, 1); got != 0 {
		t.Errorf("outside of nothing lies %v", got)
	}
}
