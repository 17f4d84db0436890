package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"dropquant/engine/report"
)

// column is a column of the table of layers.
type column struct {
	key, title string
	class      string // of its cells
	compare    func(a, b report.Layer) int
	cell       func(l report.Layer) raw
}

// order is where a ratio stands when sorted: what was not measured comes last.
func order(db float64) float64 {
	if math.IsNaN(db) {
		return math.Inf(1)
	}
	return db
}

var columns = []column{
	{"name", "Layer", "path", func(a, b report.Layer) int { return 0 }, // the order in which they run
		func(l report.Layer) raw { return raw(Escape(l.Name)) }},
	{"op", "Operator", "wide", func(a, b report.Layer) int { return cmp.Compare(a.Op, b.Op) },
		func(l report.Layer) raw { return raw(Escape(l.Op)) }},
	{"range", "Range", "num range wide", func(a, b report.Layer) int { return cmp.Compare(a.Hi-a.Lo, b.Hi-b.Lo) }, codes},
	{"clipped", "Clipped", "num wide r", func(a, b report.Layer) int { return cmp.Compare(a.Clipped, b.Clipped) },
		func(l report.Layer) raw {
			if l.Scale == 0 {
				return ""
			}
			return raw(Escape(share(l.Clipped)))
		}},
	{"own", "On its own", "num wide r", func(a, b report.Layer) int { return cmp.Compare(order(own(a)), order(own(b))) },
		func(l report.Layer) raw { return raw(decibel(own(l))) }},
	{"sqnr", "Signal to noise", "num", func(a, b report.Layer) int { return cmp.Compare(order(a.SQNR), order(b.SQNR)) },
		func(l report.Layer) raw {
			return `<span class="level"><span>` + raw(decibel(l.SQNR)) + `</span>` + bar(l.SQNR) + `</span>`
		}},
}

// share writes a part of 1 as a percentage. It says 0 only of nothing.
func share(part float64) string {
	if 0 < part && part < 0.0001 {
		return "< 0.01 %"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.2f", 100*part), ".00") + " %"
}

// codes writes what a layer's values are stored as.
func codes(l report.Layer) raw {
	if l.Scale == 0 {
		return raw(`<span class="tag">float</span> <span class="small soft">` + Escape(l.Float) + `</span>`)
	}
	return raw(Number(l.Lo)+" … "+Number(l.Hi)) + raw(` <span class="small soft">`+Escape(l.DType)+`</span>`)
}

// Sort says how the table of layers is sorted.
type Sort struct {
	Key  string
	Down bool
}

// WorstFirst is how the table opens.
var WorstFirst = Sort{Key: "sqnr"}

// full is the signal-to-noise ratio of a full bar, in decibels: eight bits of a uniform signal give about fifty.
const full = 50

// low is where a bar is marked: below ten decibels a tenth of the signal's power is noise.
const low = 10

// few is how many layers are shown before all are asked for: those that lose the most are what one looks for.
const few = 12

// Layers writes the table of layers: the first few in the order asked for, or all.
func Layers(layers []report.Layer, by Sort, all bool) string {
	layers = slices.Clone(layers)
	for _, c := range columns {
		if c.key != by.Key {
			continue
		}
		slices.SortStableFunc(layers, c.compare)
		if by.Down {
			slices.Reverse(layers)
		}
	}
	total := len(layers)
	if !all && total > few+few/2 {
		layers = layers[:few]
	}
	var p page
	p.put(`<div class="scroll" tabindex="0" role="region" aria-label="Table of layers"><table><caption>What each layer gives against the fp32 model: on its own, and with all noise from the layers before it. A full bar is %d dB. Clipped are the values beyond the codes, as far as the bins of a histogram tell.</caption><thead><tr>`, full)
	for _, c := range columns {
		p.put(`<th scope="col" class="%s"%s><button type="button" data-sort="%s">%s</button></th>`, headClass(c.class), raw(direction(c.key, by)), c.key, c.title)
	}
	p.put(`</tr></thead><tbody>`)
	for _, l := range layers {
		p.put(`<tr>`)
		for _, c := range columns {
			p.put(`<td class="%s">%s</td>`, c.class, c.cell(l))
		}
		p.put(`</tr>`)
	}
	p.put(`</tbody></table></div>`)
	if len(layers) < total {
		p.put(`<div class="row"><button type="button" id="all-layers">Show all %s</button></div>`, Of(total, "layer"))
	}
	return p.String()
}

// headClass keeps of a column's class what its head shares.
func headClass(class string) string {
	var out []string
	for _, word := range strings.Fields(class) {
		if word == "wide" || word == "r" {
			out = append(out, word)
		}
	}
	return strings.Join(out, " ")
}

func direction(key string, by Sort) string {
	switch {
	case key != by.Key:
		return ""
	case by.Down:
		return ` aria-sort="descending"`
	}
	return ` aria-sort="ascending"`
}

// bar draws a ratio. The number stands beside it, so it is hidden from screen readers.
func bar(db float64) raw {
	if math.IsNaN(db) {
		return ""
	}
	var p page
	class := "v"
	if db < low {
		class = "v low"
	}
	p.put(`<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="t" width="100" height="6" rx="1.5"/><rect class="%s" width="%.1f" height="6" rx="1.5"/></svg>`, class, 100*max(0, min(1, db/full)))
	return raw(p.String())
}
