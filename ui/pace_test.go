package ui

import (
	"math"
	"testing"
	"time"
)

// A run of ten images at a second each, then three seconds each: the estimate is right from the first fifth on, and
// the share never falls.
func TestPace(t *testing.T) {
	p := pace{weights: []float64{1, 3}, images: []int{10, 10}}
	now := time.Unix(0, 0)
	last := 0.0
	for phase, cost := range []time.Duration{time.Second, 3 * time.Second} {
		p.next(phase, now)
		for done := 1; done <= 10; done++ {
			now = now.Add(cost)
			p.done = done
			if s := p.share(); s < last {
				t.Errorf("phase %d, image %d: the share fell from %v to %v", phase, done, last, s)
			} else {
				last = s
			}
			left, known := p.left(now)
			if !known {
				if done > 3 {
					t.Errorf("phase %d, image %d: the time left is not known", phase, done)
				}
				continue
			}
			want := 40*time.Second - now.Sub(time.Unix(0, 0))
			if math.Abs((left - want).Seconds()) > 0.5 {
				t.Errorf("phase %d, image %d: %v left, want %v", phase, done, left, want)
			}
		}
	}
	if last != 1 {
		t.Errorf("at the end the share is %v", last)
	}
}

func TestPaceOfNothing(t *testing.T) {
	p := pace{weights: []float64{1, 1}, images: []int{0, 0}}
	p.next(0, time.Unix(0, 0))
	if s := p.share(); s != 0 {
		t.Errorf("the share of nothing is %v", s)
	}
	if _, known := p.left(time.Unix(9, 0)); known {
		t.Error("the time left is known before anything was done")
	}
}
