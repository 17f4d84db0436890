package view

import (
	"fmt"
	"math"

	"dropquant/engine/report"
)

// Result is what the summary shows beside the report.
type Result struct {
	Report  report.Report
	File    string   // name of the download
	Target  string   // title
	Command string   // the same from a terminal
	Formats []Choice // others in which it can be had

	Comparing bool // it is not compared yet
}

// Summary writes the numbers, what there is to know about them, and the downloads.
func Summary(r Result) string {
	var p page
	rep := &r.Report
	p.put(`<div class="headline"><h3>%s for %s</h3></div>`, rep.Model, r.Target)
	p.put(`<dl class="big" id="result-numbers">%s</dl>`, raw(Numbers(*rep, r.Comparing)))
	p.put(`<div class="row"><button class="primary" type="button" id="download">Download %s</button><button type="button" id="save-report">Report as JSON</button></div>`, r.File)
	if len(r.Formats) > 0 {
		p.put(`<details><summary>Other formats</summary><div class="fields"><label><span>Format</span><select id="format" aria-describedby="format-doc">%s</select></label><button type="button" id="save-as">Save</button></div><p class="small soft" id="format-doc">%s</p></details>`, raw(Options(r.Formats, "")), Sentence(r.Formats[0].Note))
	}
	p.put(`<div id="predictions" class="part"></div>`)
	p.put(`<div id="result-notes">%s</div>`, raw(Notes(*rep)))
	p.put(`<details><summary>The same from a terminal</summary><div class="cli"><code id="command">%s</code><button type="button" id="copy">Copy</button></div></details>`, r.Command)
	return p.String()
}

// Numbers writes the figures at the top of a result. Those that comparing finds are dots until then.
func Numbers(rep report.Report, comparing bool) string {
	var p page
	big := func(name, value, note string) {
		p.put(`<div><dt>%s</dt><dd>%s</dd><dd>%s</dd></div>`, name, value, note)
	}
	big("Smaller", fmt.Sprintf("%.1f×", rep.Smaller()), Size(rep.SizeAfter)+" instead of "+Size(rep.SizeBefore))
	switch {
	case comparing:
		big("Agreement with fp32", "…", "being compared")
		big("Output", "…", "being compared")
	default:
		if rep.Agree != report.NoAgreement {
			big("Agreement with fp32", fmt.Sprintf("%s of %s", Count(rep.Agree), Count(rep.Images)), "images get the same first answer")
		}
		big("Output", decibel(rep.SQNR), "above its quantization noise")
	}
	if rep.MACs > 0 {
		big("In integers", percent(rep.Int8MACs, rep.MACs), "of the multiply-adds")
	}
	return p.String()
}

// Notes writes what there is to know about a result, and the images that could not be used.
func Notes(rep report.Report) string {
	var p page
	notes(&p, rep.Notes())
	skipped(&p, rep.Skipped)
	return p.String()
}

// Outcome says in a few words how close a file is to the float model.
func Outcome(rep report.Report) string {
	text := "output " + decibel(rep.SQNR) + " above its quantization noise."
	if rep.Agree == report.NoAgreement {
		return text
	}
	return fmt.Sprintf("the same first answer on %s of %s images, %s", Count(rep.Agree), Count(rep.Images), text)
}

// percent writes a share. It says 100 only of all.
func percent(part, whole int64) string {
	share := 100 * float64(part) / float64(whole)
	if part < whole {
		share = min(share, 99.9)
	}
	if share == math.Trunc(share) {
		return fmt.Sprintf("%.0f %%", share)
	}
	return fmt.Sprintf("%.1f %%", share)
}

// skipped writes the images that could not be used, each with its reason.
func skipped(p *page, list []report.Skipped) {
	if len(list) == 0 {
		return
	}
	p.put(`<details><summary>%s skipped</summary><ul class="small">`, Of(len(list), "image"))
	for _, s := range list {
		p.put(`<li><span class="mono">%s</span>: %s</li>`, s.Name, Sentence(s.Why))
	}
	p.put(`</ul></details>`)
}
