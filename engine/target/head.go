package target

import (
	"slices"

	"dropquant/engine/graph"
)

// weightedOps are the operators that layers are counted by. Recurrent ones end a search like the others.
var weightedOps = map[string]bool{"Conv": true, "ConvTranspose": true, "Gemm": true, "MatMul": true, "LSTM": true, "GRU": true, "RNN": true}

// isLayer reports whether n is a weighted operator with constant weights.
func isLayer(n *graph.Node) bool {
	return weightedOps[n.Op] && n.Input(1) != nil && n.Input(1).Const != nil
}

// heads returns the last layers of the graph, whether they form a head that
// must stay float, and all nodes behind them.
//
// Rule: the last layers are those met first on the way back from the outputs,
// less those that feed further layers (an output in the middle of the
// graph is not the end of it). Several of them, or one whose channels are taken
// apart behind it by Split or raised by Exp, are a detection head: boxes, objectness
// and class scores that meet in a Concat, in several outputs or in a decoder. One
// layer alone is a classifier's or segmenter's: it is quantized, its output stays float.
// On the way back through Add and Mul of two activations, of which one is computed from
// the other, only the later is followed: the other is a skip or a gate's operand.
//
// Source: the commonest failure that users of other tools report (ultralytics PR 22124, onnx2tf issue 578), where outputs
// are quantized too. It is a caution: with outputs in float, inputs and weights of the heads in integers change the AP of
// YOLOX-Nano and NanoDet-m by less than 64 images tell (0.6 AP), and the heads are 4 and 6 % of the products.
func heads(g *graph.Graph) (last []*graph.Node, isHead bool, behind map[*graph.Node]bool) {
	found := lastLayers(g)
	for _, n := range g.Nodes {
		if found[n] && !slices.ContainsFunc(g.Nodes, func(m *graph.Node) bool { return m != n && isLayer(m) && reaches(n, m) }) {
			last = append(last, n)
		}
	}
	behind = map[*graph.Node]bool{}
	for _, n := range g.Nodes { // in topological order
		for _, v := range n.Inputs {
			if v != nil && v.Producer != nil && (behind[v.Producer] || slices.Contains(last, v.Producer)) {
				behind[n] = true
			}
		}
	}
	isHead = len(last) > 1
	for _, n := range g.Nodes {
		if behind[n] && (n.Op == "Exp" || n.Op == "Split" && len(n.Outputs) > 1) {
			isHead = true
		}
	}
	return last, isHead, behind
}

// lastLayers walks back from the outputs to the first layers met.
func lastLayers(g *graph.Graph) map[*graph.Node]bool {
	found, seen := map[*graph.Node]bool{}, map[*graph.Node]bool{}
	var stack []*graph.Node
	visit := func(v *graph.Value) {
		if v != nil && v.Producer != nil && !seen[v.Producer] {
			seen[v.Producer] = true
			stack = append(stack, v.Producer)
		}
	}
	for _, v := range g.Outputs {
		visit(v)
	}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if isLayer(n) {
			found[n] = true
			continue
		}
		if a, b := n.Input(0), n.Input(1); (n.Op == "Add" || n.Op == "Mul") && isActivation(a) && isActivation(b) {
			if computedFrom(a, b) {
				visit(a)
				continue
			}
			if computedFrom(b, a) {
				visit(b)
				continue
			}
		}
		for _, v := range n.Inputs {
			visit(v)
		}
	}
	return found
}

// computedFrom reports whether v depends on w.
func computedFrom(v, w *graph.Value) bool {
	if v == w || v.Producer == nil {
		return v == w
	}
	if w.Producer == nil {
		return slices.ContainsFunc(w.Uses, func(u graph.Use) bool { return u.Node == v.Producer || reaches(u.Node, v.Producer) })
	}
	return reaches(w.Producer, v.Producer)
}

// reaches reports whether a path leads from a to b.
func reaches(a, b *graph.Node) bool {
	if a == b {
		return true
	}
	seen := map[*graph.Node]bool{a: true}
	stack := []*graph.Node{a}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, v := range n.Outputs {
			for _, u := range uses(v) {
				if u.Node == b {
					return true
				}
				if !seen[u.Node] {
					seen[u.Node] = true
					stack = append(stack, u.Node)
				}
			}
		}
	}
	return false
}

// keepHeads is step 2: nodes behind the last layers stay float, and a head with them.
func (p *placer) keepHeads() {
	last, isHead, behind := heads(p.g)
	p.behind = behind
	if p.t.Heads {
		return
	}
	for _, n := range p.g.Nodes {
		if r := p.rows[n]; behind[n] && r != nil && (isHead || r.Role != Follower) {
			p.drop(n, "behind the last layer")
		}
		if p.rows[n] != nil && isHead && slices.Contains(last, n) {
			p.drop(n, "a layer of the head: boxes and scores need float")
		}
	}
}
