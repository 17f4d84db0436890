package ui

import "time"

// pace estimates how long a run of several phases will take from how its images went so far. A phase that has not begun is
// taken to cost what its weight says in images of the first.
type pace struct {
	weights []float64 // cost of an image in each phase
	images  int
	phase   int
	done    int
	began   time.Time // the phase
	rate    float64   // seconds per unit of weight, of the phases before
}

// next starts a phase.
func (p *pace) next(phase int, now time.Time) {
	if phase > 0 && p.done > 0 {
		p.rate = now.Sub(p.began).Seconds() / (p.weights[p.phase] * float64(p.images))
	}
	p.phase, p.done, p.began = phase, 0, now
}

// share is how much of the whole work is done, from 0 to 1.
func (p *pace) share() float64 {
	all, done := 0.0, 0.0
	for i, w := range p.weights {
		all += w * float64(p.images)
		if i < p.phase {
			done += w * float64(p.images)
		}
	}
	if all == 0 {
		return 0
	}
	return (done + p.weights[p.phase]*float64(p.done)) / all
}

// left is how long the rest will take, and false while that is not known.
func (p *pace) left(now time.Time) (time.Duration, bool) {
	elapsed := now.Sub(p.began).Seconds()
	rate := p.rate
	if p.done > 0 && (p.done*5 >= p.images || elapsed > 2) {
		rate = elapsed / (p.weights[p.phase] * float64(p.done))
	}
	if rate == 0 {
		return 0, false
	}
	units := p.weights[p.phase] * float64(p.images-p.done)
	for _, w := range p.weights[p.phase+1:] {
		units += w * float64(p.images)
	}
	return time.Duration(units * rate * float64(time.Second)), true
}
