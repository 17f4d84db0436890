package view

import (
	"math"

	"dropquant/engine/report"
)

// worst is how many layers are explained: those that add the most error themselves.
const worst = 5

// Worst writes the layers that add the most error themselves, with what was found to be the cause of it.
func Worst(r report.Report) string {
	list := r.Loudest(worst)
	if len(list) == 0 {
		return ""
	}
	var p page
	p.put(`<div class="part"><h3>Where it is lost</h3><ol class="worst">`)
	for _, l := range list {
		p.put(`<li><b class="mono">%s</b> <span class="soft">%s</span>`, l.Name, l.Op)
		p.put(`<span class="pair"><span>on its own <b class="num">%s</b></span> <span>with what it inherits <b class="num">%s</b></span></span>`, decibel(l.Detail.Own), decibel(l.Detail.Total))
		for _, c := range l.Causes {
			p.put(`<p>%s</p>`, Sentence(c.Text))
		}
		p.put(`</li>`)
	}
	p.put(`</ol></div>`)
	return p.String()
}

// own returns what a layer leaves on its own, NaN when that was not measured.
func own(l report.Layer) float64 {
	if l.Detail == nil {
		return math.NaN()
	}
	return l.Detail.Own
}
