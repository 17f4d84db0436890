package ui

import "time"

// pace estimates how long a run of several phases will take from how its images went so far. A phase that has not begun is
// taken to cost what its weight says in images of the first.
type pace struct {
	weights []float64 // cost of an image in each phase
	images  []int     // of each phase
	phase   int
	done    int
	began   time.Time // the phase
	rate    float64   // seconds per unit of weight, of the phases before
}

// next starts a phase.
func (p *pace) next(phase int, now time.Time) {
	if phase > 0 && p.done > 0 {
		p.rate = now.Sub(p.began).Seconds() / (p.cost(p.phase))
	}
	p.phase, p.done, p.began = phase, 0, now
}

// cost is what a phase costs, in images of the weight 1.
func (p *pace) cost(phase int) float64 { return p.weights[phase] * float64(p.images[phase]) }

// share is how much of the whole work is done, from 0 to 1.
func (p *pace) share() float64 {
	all, done := 0.0, 0.0
	for i := range p.weights {
		all += p.cost(i)
		if i < p.phase {
			done += p.cost(i)
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
	if p.done > 0 && (p.done*5 >= p.images[p.phase] || elapsed > 2) {
		rate = elapsed / (p.weights[p.phase] * float64(p.done))
	}
	if rate == 0 {
		return 0, false
	}
	units := p.cost(p.phase) - p.weights[p.phase]*float64(p.done)
	for i := p.phase + 1; i < len(p.weights); i++ {
		units += p.cost(i)
	}
	return time.Duration(units * rate * float64(time.Second)), true
}
