package view

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"dropquant/engine/report"
	"dropquant/engine/target"
)

// Predictions is how a file does in the arithmetic of each runtime and kind of CPU.
type Predictions struct {
	Scores    []report.Score  // the first is what the others are compared with; nil when there are none yet
	Lints     []target.Report // what each runtime makes of the file
	Target    string          // that the file was made for, or ""
	Overflow  []string        // layers whose sums were seen to overflow on CPUs without VNNI
	Note      string          // a sentence about labels that could not be used, or ""
	Running   bool            // they are being found
	Comparing bool            // the file is being compared with the float model: that comes before
	Failed    string          // why there are none, a sentence
}

// Predicted writes the part of the result that a test after the run fills.
func Predicted(m Predictions) string {
	var p page
	title, doing := "Predicted where it will run", "The file is being run in the arithmetic of each runtime, on the same images. It can be downloaded already."
	if m.Comparing {
		title, doing = "Comparing with fp32", "The file and the model that it was made from are being run on the same images. It can be downloaded already."
	}
	p.put(`<h3>%s</h3>`, title)
	switch {
	case m.Running:
		p.put(`<p class="soft">%s</p>`, doing)
		p.put(`<div class="row"><progress id="check-progress" max="1" value="0" aria-label="Progress of the comparison"></progress><span id="check-text" class="small soft num"></span><button type="button" class="plain" id="stop-check">Stop</button></div>`)
	case m.Failed != "":
		notes(&p, []string{m.Failed})
	default:
		scores(&p, m)
	}
	if n := len(m.Overflow); n > 0 {
		p.put(`<div class="error"><h3>Sums overflow on CPUs without VNNI in %s</h3><p>%s</p><p>Quantize for any CPU, under More options, unless you know that the file runs on newer ones only.</p></div>`, Of(n, "layer"), names(m.Overflow))
	}
	runtimes(&p, m)
	return p.String()
}

// Saturated returns the names of the layers whose sums were seen to overflow on CPUs without VNNI.
func Saturated(r report.Report) (names []string) {
	for _, l := range r.Layers {
		if l.Detail != nil && l.Detail.Saturated != nil && l.Detail.Saturated.Hits > 0 {
			names = append(names, l.Name)
		}
	}
	return names
}

// Scored writes the result of testing a file that was not made here.
func Scored(m Predictions, name string) string {
	var p page
	p.put(`<div class="headline"><h3>%s, predicted where it will run</h3></div>`, name)
	scores(&p, m)
	runtimes(&p, m)
	p.put(`<div class="row"><button type="button" id="save-report">Report as JSON</button></div>`)
	return p.String()
}

// processor is what to call the kinds of CPU.
var processor = map[string]string{"vnni": "CPU with VNNI", "avx2": "CPU without VNNI"}

// place says where a score is for: a runtime, and a kind of CPU.
func place(s report.Score) (runtime, cpu string) {
	t := target.ByName(s.Target)
	if t == nil {
		return "Q/DQ in float, as ONNX defines it", "any"
	}
	if cpu = processor[s.ISA]; cpu == "" {
		cpu = "any"
	}
	return t.Title, cpu
}

// prediction is a row of the table: a score, what a runtime makes of the file, or both.
type prediction struct {
	runtime, cpu string
	own          bool // of the target that the file was made for
	score        *report.Score
	lint         *target.Report
}

// predictions brings scores and lints together: what is compared with first, then the target that the file was made for, then the
// others, and plain Q/DQ last.
func predictions(m Predictions) (rows []prediction) {
	var last []prediction
	if m.beside() && !math.IsNaN(m.Scores[0].Top1) { // else there is nothing to say of it
		rows = append(rows, prediction{runtime: "fp32, before quantizing", cpu: "any", score: &m.Scores[0]})
	}
	order := slices.Clone(target.Targets)
	slices.SortStableFunc(order, func(a, b *target.Target) int { return btoi(b.Name == m.Target) - btoi(a.Name == m.Target) })
	for i := range m.Scores {
		s := &m.Scores[i]
		if target.ByName(s.Target) == nil && (i > 0 || !m.beside()) {
			runtime, cpu := place(*s)
			last = append(last, prediction{runtime: runtime, cpu: cpu, score: s})
		}
	}
	for _, t := range order {
		lint := slices.IndexFunc(m.Lints, func(r target.Report) bool { return r.Target == t.Name })
		row := prediction{runtime: t.Title, cpu: "any", own: t.Name == m.Target}
		if lint >= 0 {
			row.lint = &m.Lints[lint]
		}
		found := false
		for i := range m.Scores {
			if s := &m.Scores[i]; s.Target == t.Name {
				row.score, found = s, true
				_, row.cpu = place(*s)
				rows = append(rows, row)
			}
		}
		if !found && row.lint != nil {
			rows = append(rows, row)
		}
	}
	return append(rows, last...)
}

// beside says that the scores are of a file beside its float model, whose score is the first.
func (m *Predictions) beside() bool {
	return len(m.Scores) > 1 && m.Scores[0].Model != m.Scores[1].Model
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// measures are the columns that a table of scores may have.
var measures = []struct {
	title string
	of    func(report.Score) float64
	cell  func(float64) string
}{
	{"Right answers", func(s report.Score) float64 { return s.Top1 }, hundredths},
	{"Among first five", func(s report.Score) float64 { return s.Top5 }, hundredths},
	{"Agrees with fp32", func(s report.Score) float64 { return s.Agreement }, hundredths},
	{"Signal to noise", func(s report.Score) float64 { return s.SQNR }, decibel},
}

// hundredths writes a percentage.
func hundredths(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " %"
}

// scores writes a verdict and the table. Columns that nothing fills are left out.
func scores(p *page, m Predictions) {
	if m.Note != "" {
		notes(p, []string{m.Note})
	}
	if len(m.Scores) == 0 {
		return
	}
	if text := Verdict(m); text != "" {
		p.put(`<p class="verdict">%s</p>`, text)
	}
	columns := measures[:0:0]
	for _, c := range measures {
		if slices.ContainsFunc(m.Scores, func(s report.Score) bool { return !math.IsNaN(c.of(s)) }) {
			columns = append(columns, c)
		}
	}
	against := "the file itself in plain Q/DQ"
	if m.beside() {
		against = "the fp32 model"
	}
	p.put(`<p class="small soft">%s, against %s. Most CPUs from before 2019–2022 have no VNNI.</p>`, Of(m.Scores[0].Images, "image"), against)
	p.put(`<div class="scroll" tabindex="0" role="region" aria-label="Predictions"><table><caption class="sr">Predictions for each runtime and processor</caption>`)
	p.put(`<thead><tr><th scope="col">Runtime</th><th scope="col">Processor</th>`)
	for _, c := range columns {
		p.put(`<th scope="col" class="r">%s</th>`, c.title)
	}
	p.put(`<th scope="col" class="r">In int8</th></tr></thead><tbody>`)
	for _, r := range predictions(m) {
		p.put(`<tr%s><th scope="row">%s</th><td>%s</td>`, raw(mark(r.own, ` class="own"`)), r.runtime, r.cpu)
		switch {
		case r.lint != nil && r.lint.Count(target.Refused) > 0:
			p.put(`<td colspan="%d">does not take this file</td>`, len(columns))
		case r.score == nil:
			p.put(`<td class="soft" colspan="%d">%s</td>`, len(columns), "not simulated")
		case r.score.Blocked != "":
			p.put(`<td class="soft" colspan="%d">%s</td>`, len(columns), Sentence(r.score.Blocked))
		default:
			for _, c := range columns {
				p.put(`<td class="r">%s</td>`, c.cell(c.of(*r.score)))
			}
		}
		share := inIntegers(r.lint)
		if r.lint != nil && r.lint.Count(target.Refused) > 0 {
			share = ""
		}
		p.put(`<td class="r">%s</td></tr>`, share)
	}
	p.put(`</tbody></table></div>`)
}

// inIntegers writes how much of the arithmetic a runtime does in integers.
func inIntegers(lint *target.Report) string {
	if lint == nil || lint.MACs == 0 {
		return ""
	}
	return percent(lint.Int8MACs, lint.MACs)
}

// Verdict says in a sentence what the scores mean, or nothing when they tell too little. It looks at the target that the file was
// made for, or without one at all runtimes.
func Verdict(m Predictions) string {
	var low, high *prediction
	for _, r := range predictions(m) {
		if r.score == nil || r.lint == nil || r.lint.Count(target.Refused) > 0 || m.Target != "" && !r.own || math.IsNaN(r.score.Agreement) {
			continue
		}
		if low == nil || r.score.Agreement < low.score.Agreement {
			low = &r
		}
		if high == nil || r.score.Agreement > high.score.Agreement {
			high = &r
		}
	}
	if low == nil {
		return ""
	}
	where := low.runtime
	if low.cpu != "any" {
		where += " on a " + low.cpu
	}
	worst, best := hundredths(low.score.Agreement), hundredths(high.score.Agreement)
	switch {
	case low.score.Agreement < 95 && high.score.Agreement-low.score.Agreement >= 3:
		return fmt.Sprintf("%s gives the first answer of fp32 on only %s of the images, against %s elsewhere: do not run the file there.", where, worst, best)
	case low.score.Agreement < 95:
		return fmt.Sprintf("Only %s of the first answers stay the same.", worst)
	case worst == best:
		return fmt.Sprintf("%s of the first answers stay the same.", worst)
	}
	return fmt.Sprintf("Wherever it runs, at least %s of the first answers stay the same.", worst)
}
