package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"dropquant/engine"
	"dropquant/engine/intsim"
	"dropquant/engine/report"
)

// steps is what to call the steps of a trace. Those that are not here are operators.
var steps = map[string]string{
	intsim.StepProducts:   "Sum of all products",
	intsim.StepSaturation: "Lost where two do not fit 16 bits",
	intsim.StepZero:       "Part of the zero points",
	intsim.StepSum:        "Sum in 32 bits",
	intsim.StepBias:       "Bias, as an integer",
	intsim.StepTotal:      "Sum with bias",
	intsim.StepScale:      "Multiplier",
	intsim.StepScaled:     "Scaled, in float",
	intsim.StepFloatBias:  "Bias, in float",
	intsim.StepReal:       "Before rounding",
	intsim.StepCode:       "Rounded and clamped: the code",
	intsim.StepResult:     "What it stands for",
}

// shownTerms is how many products have a row of their own.
const shownTerms = 4

// Trace writes how one number comes about, a column for each arithmetic.
func Trace(t engine.Trace, image string) string {
	var p page
	p.put(`<p><span class="mono">%s</span>, channel %s, row %s, column %s, for <span class="mono">%s</span></p>`,
		t.Value, Count(t.Element.Channel), Count(t.Element.Y), Count(t.Element.X), image)
	first := slices.IndexFunc(t.Columns, func(c engine.Column) bool { return c.Blocked == "" })
	if first < 0 {
		return p.String()
	}
	p.put(`<p class="small soft">From the codes that it is made of to the code that it becomes. ≠ marks the first step of a column that is not as in the first one.</p>`)
	p.put(`<div class="scroll" tabindex="0" role="region" aria-label="One number in each arithmetic"><table class="trace"><caption class="sr">One number in each arithmetic</caption>`)
	header(&p, t.Columns)
	p.put(`<tbody>`)
	products(&p, t.Columns, t.Columns[first])
	for _, id := range t.Steps() {
		step(&p, t.Columns, id)
	}
	p.put(`</tbody></table></div>`)
	overflows(&p, t.Columns)
	reads(&p, t.Columns[first])
	words(&p, t.Columns)
	return p.String()
}

// arithmetic says whose a column is.
func arithmetic(c engine.Column) (runtime, cpu string) {
	if c.Backend == "float" {
		return "fp32", "the float model"
	}
	name, isa, _ := strings.Cut(c.Backend, " ")
	runtime, cpu = place(report.Score{Target: name, ISA: isa})
	switch {
	case name == engine.Plain.Target:
		return "Q/DQ in float", "as ONNX defines it"
	case cpu == "any":
		cpu = ""
	}
	return runtime, cpu
}

func header(p *page, columns []engine.Column) {
	p.put(`<thead><tr><th scope="col">Step</th>`)
	for _, c := range columns {
		runtime, cpu := arithmetic(c)
		p.put(`<th scope="col" class="r">%s<br><span class="small">%s</span></th>`, runtime, cpu)
	}
	p.put(`</tr></thead>`)
}

// differs marks a cell, in words for who cannot see the sign.
func differs(on bool) raw {
	if !on {
		return ""
	}
	return `<b class="differs"><span aria-hidden="true">≠ </span><span class="sr">differs from here: </span></b>`
}

// largest returns which terms of a column weigh the most, the largest product first; those that saturate go before them.
func largest(c engine.Column) []int {
	order := make([]int, len(c.Terms))
	for i := range order {
		order[i] = i
	}
	weight := func(i int) float64 {
		t := c.Terms[i]
		if c.Integer {
			return math.Abs(float64(t.Product))
		}
		return math.Abs(float64(t.Input) * float64(t.Weight))
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weight(b), weight(a)) })
	return order[:min(shownTerms, len(order))]
}

// products writes the largest products, code by code, and what the others add.
func products(p *page, columns []engine.Column, first engine.Column) {
	shown := largest(first)
	rest := make([]float64, len(columns))
	read := make([]bool, len(columns)) // other inputs than the first column, and marked as such
	for k, c := range columns {
		for _, s := range c.Steps {
			if s.ID == intsim.StepProducts {
				rest[k] = s.Value
			}
		}
	}
	for _, i := range shown {
		at := first.Terms[i]
		p.put(`<tr><th scope="row">Product<br><span class="small soft">channel %d, row %d, column %d</span></th>`, at.Channel, at.Y, at.X)
		for k, c := range columns {
			j := slices.IndexFunc(c.Terms, func(t intsim.Term) bool {
				return !t.Padding && t.Channel == at.Channel && t.Y == at.Y && t.X == at.X
			})
			switch {
			case c.Blocked != "":
				if i == shown[0] {
					p.put(`<td rowspan="%d" class="soft">%s</td>`, len(shown)+1, Sentence(c.Blocked))
				}
				continue
			case j < 0:
				p.put(`<td class="r">–</td>`)
				continue
			}
			t := c.Terms[j]
			first := c.Differs == "input" && !read[k] && (t.Input != at.Input || t.XCode != at.XCode)
			read[k] = read[k] || first
			mark := differs(first)
			if c.Integer {
				rest[k] -= float64(t.Product)
				p.put(`<td class="r">%s%s<br><span class="small soft">%s × %s</span></td>`, mark, integer(float64(t.Product)), integer(float64(t.XCode)), integer(float64(t.WCode)))
			} else {
				p.put(`<td class="r">%s%s<br><span class="small soft">%s × %s</span></td>`, mark, real(float64(t.Input)*float64(t.Weight)), real(float64(t.Input)), real(float64(t.Weight)))
			}
		}
		p.put(`</tr>`)
	}
	if len(first.Terms) <= len(shown) {
		return
	}
	p.put(`<tr><th scope="row">The other products together</th>`)
	for k, c := range columns {
		switch {
		case c.Blocked != "":
		case c.Integer:
			p.put(`<td class="r">%s%s</td>`, differs(c.Differs == "input" && !read[k]), integer(rest[k]))
		default:
			p.put(`<td class="r">%s…</td>`, differs(c.Differs == "input" && !read[k]))
		}
	}
	p.put(`</tr>`)
}

// step writes one step of all columns.
func step(p *page, columns []engine.Column, id string) {
	title := steps[id]
	if title == "" {
		title = strings.ToUpper(id[:1]) + id[1:]
	}
	p.put(`<tr class="%s"><th scope="row">%s</th>`, mark(id == intsim.StepCode || id == intsim.StepResult, "end"), title)
	for _, c := range columns {
		at := slices.IndexFunc(c.Steps, func(s intsim.Step) bool { return s.ID == id })
		if at < 0 {
			p.put(`<td class="r soft">–</td>`)
			continue
		}
		p.put(`<td class="r%s">%s%s</td>`, mark(c.Differs == id, " differing"), differs(c.Differs == id), number(c.Steps[at].Value))
	}
	p.put(`</tr>`)
}

// overflows writes the pairs of products whose sums do not fit 16 bits.
func overflows(p *page, columns []engine.Column) {
	for _, c := range columns {
		if len(c.Pairs) == 0 {
			continue
		}
		runtime, cpu := arithmetic(c)
		p.put(`<div class="error"><h3>%s, %s: 16 bits are too few for %s of two products</h3><ul>`, runtime, cpu, Of(len(c.Pairs), "sum"))
		for _, pair := range c.Pairs[:min(shownTerms, len(c.Pairs))] {
			a, b := c.Terms[pair.First], c.Terms[pair.First+1]
			p.put(`<li class="num">%d × %s + %d × %s = %s, which becomes %s</li>`, a.XCode, integer(float64(a.WCode)), b.XCode, integer(float64(b.WCode)), integer(float64(pair.Exact)), integer(float64(pair.Got)))
		}
		if more := len(c.Pairs) - shownTerms; more > 0 {
			p.put(`<li>and %s more</li>`, Count(more))
		}
		p.put(`</ul></div>`)
	}
}

// reads writes the reals that the largest products are made of, and their codes.
func reads(p *page, c engine.Column) {
	if !c.Integer {
		return
	}
	runtime, _ := arithmetic(c)
	p.put(`<details><summary>From reals to codes</summary><div class="scroll" tabindex="0" role="region" aria-label="From reals to codes"><table><caption>The largest of %s in %s, and what their codes stand for</caption>`, Of(len(c.Terms), "product"), runtime)
	p.put(`<thead><tr><th scope="col">Channel, row, column</th><th scope="col" class="r">Value read</th><th scope="col" class="r">Its code</th><th scope="col" class="r">Weight</th><th scope="col" class="r">Its code</th><th scope="col" class="r">Product of codes</th></tr></thead><tbody>`)
	for _, i := range largest(c) {
		t := c.Terms[i]
		p.put(`<tr><th scope="row">%d, %d, %d</th><td class="r">%s</td><td class="r">%s</td><td class="r">%s</td><td class="r">%s</td><td class="r">%s</td></tr>`,
			t.Channel, t.Y, t.X, real(float64(t.Input)), integer(float64(t.XCode)), real(float64(t.Weight)), integer(float64(t.WCode)), integer(float64(t.Product)))
	}
	p.put(`</tbody></table></div></details>`)
}

// words writes each column as a list of sentences.
func words(p *page, columns []engine.Column) {
	p.put(`<details><summary>In words, step by step</summary>`)
	for _, c := range columns {
		if c.Blocked != "" {
			continue
		}
		runtime, cpu := arithmetic(c)
		p.put(`<p><b>%s</b> <span class="soft">%s</span> runs it as <span class="mono">%s</span>.</p><ol class="words small">`, runtime, cpu, c.Kernel)
		for _, s := range c.Steps {
			p.put(`<li>%s <b class="num">%s</b></li>`, Sentence(s.Text), number(s.Value))
		}
		p.put(`</ol>`)
	}
	p.put(`</details>`)
}

// number writes a whole number as such, and any other with the digits of a float32.
func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return integer(v)
	}
	return minus(strconv.FormatFloat(v, 'g', 7, 32))
}

// integer writes a whole number with separators.
func integer(v float64) string { return minus(Count(int(v))) }

// real writes a real with few digits.
func real(v float64) string { return minus(fmt.Sprintf("%.4g", v)) }
