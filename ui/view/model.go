package view

import (
	"fmt"
	"slices"
	"strings"

	"dropquant/engine"
)

// Model writes the card of a loaded model: what it is, and what will become of each kind of operator before anything runs.
func Model(info engine.Info) string {
	var p page
	p.put(`<div class="headline"><h3>%s</h3><button class="plain" type="button" data-pick="model">Replace</button></div>`, info.Name)
	facts(&p, info)
	if info.Blocked != "" {
		p.put(`<div class="error"><h3>This model cannot be quantized as it is</h3><p>%s</p></div>`, Sentence(info.Blocked))
		return p.String()
	}
	var known []string
	if info.Widened {
		known = append(known, engine.WidenedNote)
	}
	if len(info.Unsupported) > 0 {
		known = append(known, "these nodes cannot be computed here; they and what follows them stay float: "+strings.Join(info.Unsupported, ", "))
	}
	notes(&p, known)
	operators(&p, info.Ops)
	return p.String()
}

// facts writes what a model is, as far as it is known.
func facts(p *page, info engine.Info) {
	p.put(`<dl class="facts">`)
	fact := func(name, value string) {
		p.put(`<div><dt>%s</dt><dd>%s</dd></div>`, name, value)
	}
	fact("Size", Size(info.Size))
	if info.Params > 0 {
		fact("Parameters", Large(info.Params))
		fact("Multiply-adds", Large(info.MACs))
	}
	fact("Input", shape(info.Input.Shape))
	fact("Opset", fmt.Sprint(info.Opset))
	if info.Quantized && info.Producer != "" {
		fact("Producer", info.Producer)
	}
	p.put(`</dl>`)
}

// Tested writes the card of a model that is quantized already. float says that a float model is there to compare it with.
func Tested(info engine.Info, float bool) string {
	var p page
	p.put(`<div class="headline"><h3>%s <span class="tag int8">int8</span></h3><button class="plain" type="button" id="set-aside">Set aside</button></div>`, info.Name)
	facts(&p, info)
	p.put(`<p>This file is quantized already, so it is not quantized again: Dropquant runs it in the arithmetic of each runtime and says how it will do there.</p>`)
	if float {
		p.put(`<p class="soft">It is compared with the float model below. Set it aside to quantize that one.</p>`)
	} else {
		p.put(`<div class="row"><button type="button" data-pick="model">Add its float model</button><span class="small soft">Without it the file is compared with itself in plain Q/DQ.</span></div>`)
	}
	return p.String()
}

// shape writes dimensions; those the file leaves open are a letter.
func shape(dims []int) string {
	if len(dims) == 0 {
		return "scalar"
	}
	parts := make([]string, len(dims))
	for i, d := range dims {
		parts[i] = fmt.Sprint(d)
		if d < 1 {
			parts[i] = "n"
		}
	}
	return strings.Join(parts, " × ")
}

// become is the tag that says what becomes of an operator's nodes.
func become(op engine.OpUse) raw {
	var p page
	switch {
	case len(op.Float) == 0:
		p.put(`<span class="tag int8">int8</span>`)
	case op.Int8 == 0:
		p.put(`<span class="tag">stays float</span>`)
	default:
		p.put(`<span class="tag int8">%s int8</span> <span class="tag">%s float</span>`, Count(op.Int8), Count(len(op.Float)))
	}
	return raw(p.String())
}

// operators writes the table of operators. The reasons get a column only if there are any.
func operators(p *page, ops []engine.OpUse) {
	reasons := slices.ContainsFunc(ops, func(op engine.OpUse) bool { return len(op.Float) > 0 })
	class, because := "short", raw("")
	if reasons {
		class, because = "", `<th scope="col">Because</th>`
	}
	p.put(`<div class="scroll" tabindex="0" role="region" aria-label="Operators"><table class="%s"><caption class="sr">Operators of the model and what becomes of them</caption>`, class)
	p.put(`<thead><tr><th scope="col">Operator</th><th scope="col" class="r">Nodes</th><th scope="col">Becomes</th>%s</tr></thead><tbody>`, because)
	for _, op := range ops {
		p.put(`<tr><th scope="row">%s</th><td class="r">%s</td><td>%s</td>`, op.Op, Count(op.Count), become(op))
		if reasons {
			p.put(`<td class="because">%s</td>`, why(op))
		}
		p.put(`</tr>`)
	}
	p.put(`</tbody></table></div>`)
}

// why says why nodes of an operator stay float, and which.
func why(op engine.OpUse) raw {
	if len(op.Float) == 0 {
		return ""
	}
	var p page
	p.put(`%s<details><summary class="small">%s</summary><ul class="small mono">`, Sentence(op.Why), Of(len(op.Float), "node"))
	for _, n := range op.Float {
		p.put(`<li>%s</li>`, n)
	}
	p.put(`</ul></details>`)
	return raw(p.String())
}

// notes writes warnings as a list.
func notes(p *page, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.put(`<ul class="notes">`)
	for _, line := range lines {
		p.put(`<li>%s</li>`, Sentence(line))
	}
	p.put(`</ul>`)
}
