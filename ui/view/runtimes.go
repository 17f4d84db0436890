package view

import (
	"slices"
	"strings"

	"dropquant/engine/target"
)

// runtimes writes, for each runtime, what of the file it does not run in integers and what else is wrong for it.
func runtimes(p *page, m Predictions) {
	if len(m.Lints) == 0 {
		return
	}
	p.put(`<div class="folds">`)
	for _, t := range target.Targets {
		for i := range m.Lints {
			if m.Lints[i].Target == t.Name {
				p.put(`<details><summary>%s</summary>`, runtimeLine(t.Title, &m.Lints[i]))
				findings(p, &m.Lints[i])
				leftOut(p, &m.Lints[i])
				p.put(`</details>`)
			}
		}
	}
	p.put(`</div>`)
}

// effects says what comes of a finding, the worst first.
var effects = []struct {
	effect target.Effect
	tag    string // class
	word   string
}{
	{target.Refused, "blocked", "not taken"}, {target.Wrong, "blocked", "wrong results"}, {target.StaysFloat, "", "stays float"}, {target.Note, "", "note"},
}

// runtimeLine sums up a report.
func runtimeLine(title string, r *target.Report) string {
	if r.Count(target.Refused) > 0 {
		return title + " does not take this file"
	}
	line := title + ": all in int8"
	if n := len(groups(r)); n > 0 {
		line = title + ": " + Of(n, "operator") + " in float"
	}
	if n := r.Count(target.Wrong); n > 0 {
		line += ", wrong results in " + Of(n, "place")
	}
	return line
}

// findings writes what the linter says, those of a rule together.
func findings(p *page, r *target.Report) {
	if len(r.Findings) == 0 {
		return
	}
	p.put(`<ul class="found">`)
	for _, e := range effects {
		for _, rule := range target.Rules {
			var nodes []string
			var first *target.Finding
			for i := range r.Findings {
				if f := &r.Findings[i]; f.Effect == e.effect && f.ID == rule.ID {
					if first == nil {
						first = f
					}
					nodes = append(nodes, f.Node)
				}
			}
			if first == nil {
				continue
			}
			p.put(`<li><span class="tag %s">%s</span> <b>%s</b> %s<br>`, e.tag, e.word, Sentence(rule.Title), Sentence(first.Text))
			p.put(`<span class="small soft">%s<br>%s</span></li>`, names(nodes), Sentence("to cure it, "+first.Fix))
		}
	}
	p.put(`</ul>`)
}

// named is how many names stand in a line.
const named = 4

// names writes the first few of some nodes.
func names(nodes []string) raw {
	nodes = slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return n == "" })
	if len(nodes) == 0 {
		return ""
	}
	var p page
	for _, n := range nodes[:min(named, len(nodes))] {
		p.put(`<span class="mono">%s</span> `, n)
	}
	if more := len(nodes) - named; more > 0 {
		p.put(`and %s more `, Count(more))
	}
	return raw(strings.TrimSuffix(p.String(), " ") + ".")
}

// group is nodes of one operator that stay float for the same reason.
type group struct {
	op, why string
	nodes   []string
}

// groups collects what is not in integers, in the order in which it runs.
func groups(r *target.Report) (list []group) {
	for _, n := range r.Nodes {
		if n.State != target.Float.String() && n.State != target.Stored.String() {
			continue
		}
		at := slices.IndexFunc(list, func(g group) bool { return g.op == n.Op && g.why == n.Why })
		if at < 0 {
			at = len(list)
			list = append(list, group{op: n.Op, why: n.Why})
		}
		list[at].nodes = append(list[at].nodes, n.Name)
	}
	return list
}

// leftOut writes what is not in integers.
func leftOut(p *page, r *target.Report) {
	list := groups(r)
	if len(list) == 0 {
		return
	}
	p.put(`<div class="scroll" tabindex="0" role="region" aria-label="Not in int8"><table><caption class="sr">Not in int8</caption><thead><tr><th scope="col">In float</th><th scope="col" class="r">Nodes</th><th scope="col">Because</th></tr></thead><tbody>`)
	for _, g := range list {
		p.put(`<tr><th scope="row">%s</th><td class="r">%s</td><td class="because">%s <span class="small soft">%s</span></td></tr>`, g.op, Count(len(g.nodes)), Sentence(g.why), names(g.nodes))
	}
	p.put(`</tbody></table></div>`)
}
