package main

import (
	"fmt"
	"io"
	"time"
)

// progressLine is one line of the terminal that is written over and over.
type progressLine struct {
	w     io.Writer
	quiet bool
	start time.Time // of the phase
	phase string
	last  time.Time
}

// every is how often the line is written anew: faster than this nobody can read.
const every = 100 * time.Millisecond

// show writes how far a phase is and how long the rest of it takes at the pace so far.
func (p *progressLine) show(phase string, done, total int) {
	now := time.Now()
	if phase != p.phase {
		p.end()
		p.phase, p.start = phase, now
	}
	if p.quiet || now.Sub(p.last) < every && done < total {
		return
	}
	p.last = now
	left := time.Duration(float64(now.Sub(p.start)) / float64(done) * float64(total-done))
	fmt.Fprintf(p.w, "\r%s %d/%d, %.0f s left ", phase, done, total, left.Seconds())
}

// end leaves the line.
func (p *progressLine) end() {
	if p.phase != "" && !p.quiet {
		fmt.Fprintf(p.w, "\r%s done in %.1f s            \n", p.phase, time.Since(p.start).Seconds())
	}
	p.phase = ""
}
