package engine

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"dropquant/engine/dataset"
	"dropquant/engine/exec"
	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/pass"
	"dropquant/engine/target"
)

// WidenedNote says what becomes of a model in halves.
const WidenedNote = "the file is in float16 or bfloat16: it is read as float32, and so are the inputs and outputs of the quantized file"

// Info is what a model is, and what quantizing it for a target will do, known before any image is seen.
type Info struct {
	Name        string   `json:"name"`
	Size        int64    `json:"size"` // bytes
	Opset       int      `json:"opset"`
	Producer    string   `json:"producer,omitempty"`
	Input       IO       `json:"input"`
	Outputs     []IO     `json:"outputs"`
	Params      int64    `json:"params"`                // elements of all constants
	MACs        int64    `json:"macs"`                  // multiply-accumulates for one sample; 0 when the model cannot be run
	Memory      int64    `json:"memory"`                // bytes that one worker needs, estimated
	Images      bool     `json:"images"`                // the input takes images; if not, only .npy files fill it
	Ops         []OpUse  `json:"ops"`                   // the most frequent first
	Preset      string   `json:"preset"`                // guessed
	Reason      string   `json:"reason"`                // why this preset
	Unsupported []string `json:"unsupported,omitempty"` // nodes that cannot be computed: they and what follows them stay float
	Widened     bool     `json:"widened,omitempty"`     // WidenedNote holds of it
	Quantized   bool     `json:"quantized,omitempty"`   // the file is in integers already: it can be tested, not quantized again
	Blocked     string   `json:"blocked,omitempty"`     // why the model cannot be quantized; every node that is to blame
}

// IO is an input or output of the model.
type IO struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Shape []int  `json:"shape"` // −1 where open
}

// OpUse counts the nodes of one operator by what becomes of them.
type OpUse struct {
	Op    string   `json:"op"`
	Count int      `json:"count"`
	Int8  int      `json:"int8"`            // run in integers, move them, or are fused into what does
	Float []string `json:"float,omitempty"` // names of those that stay float
	Why   string   `json:"why,omitempty"`   // of the first that stays float
}

// Info describes the model for a target, "" for the default one, and a preset, whose zero value is the guess.
func (m *Model) Info(targetName string, p dataset.Preset) Info {
	facts := m.facts()
	in := Info{
		Name: m.Name, Size: m.Size, Opset: m.graph.Opset[""], Producer: facts.Producer,
		Input: describeIO(m.input), Widened: m.widened,
	}
	for _, v := range m.graph.Outputs {
		in.Outputs = append(in.Outputs, describeIO(v))
	}
	in.Preset, in.Reason = dataset.Guess(facts)
	if p.Name == "" {
		p, _ = dataset.FindPreset(in.Preset)
	}
	_, err := m.image(p)
	in.Images = err == nil
	if in.Quantized = refuseQuantized(m.graph) != nil; in.Quantized {
		return in
	}
	t, err := findTarget(targetName)
	if err == nil {
		err = m.describe(&in, t, p)
	}
	if err != nil {
		in.Blocked = err.Error()
	}
	return in
}

// describe fills what only the folded graph tells.
func (m *Model) describe(in *Info, t *target.Target, preset dataset.Preset) error {
	p, err := m.prepare(preset)
	if err != nil {
		return err
	}
	for _, err := range p.unsupported {
		in.Unsupported = append(in.Unsupported, err.Error())
	}
	if p.blocked() {
		return errors.Join(p.unsupported...)
	}
	for _, n := range p.run.Nodes {
		in.MACs += op.MACs(n)
		for i, v := range n.Inputs {
			if v != nil && v.Const != nil && v.Uses[0] == (graph.Use{Node: n, Index: i}) {
				in.Params += int64(v.Const.Len())
			}
		}
	}
	program, err := exec.Compile(p.run, p.shapes, exec.Options{MaxMemory: maxMemory})
	if err != nil {
		return err
	}
	in.Memory = 4*program.Memory() + m.Size // the float and the quantized model run side by side, and two that look at layers alone
	in.Ops = uses(target.Place(p.graph, t, p.kept...))
	return nil
}

// uses counts the operators of a plan.
func uses(plan *target.Plan) (out []OpUse) {
	index := map[string]int{}
	for _, d := range plan.Nodes {
		k, known := index[d.Node.Op]
		if !known {
			k = len(out)
			index[d.Node.Op] = k
			out = append(out, OpUse{Op: d.Node.Op})
		}
		u := &out[k]
		u.Count++
		if d.State != target.Float && d.State != target.Stored {
			u.Int8++
			continue
		}
		if u.Why == "" {
			u.Why = d.Why
		}
		u.Float = append(u.Float, d.Node.Name)
	}
	slices.SortStableFunc(out, func(a, b OpUse) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

// prepared is a model ready to be planned and run.
type prepared struct {
	graph       *graph.Graph // everything folded that can be
	run         *graph.Graph // what of it can be computed
	shapes      map[string][]int
	kept        []string // nodes of graph that are not in run
	unsupported []error  // one for each node that cannot be computed
}

// blocked reports that nothing worth quantizing can be computed.
func (p *prepared) blocked() bool {
	return p.run == nil || len(p.unsupported) > 0 && !slices.ContainsFunc(p.run.Nodes, func(n *graph.Node) bool { return op.MACs(n) > 0 })
}

// pairsSince is the first opset of ai.onnx in which QuantizeLinear and DequantizeLinear know channels.
const pairsSince = 13

// prepare folds the model and infers its shapes for one sample.
func (m *Model) prepare(preset dataset.Preset) (*prepared, error) {
	shape, err := m.shape(preset)
	if err != nil {
		return nil, err
	}
	p := &prepared{graph: m.graph.Clone(), shapes: map[string][]int{m.input.Name: shape}}
	if err := pass.Float(p.graph); err != nil {
		return nil, err
	}
	if p.graph.Opset[""] < pairsSince {
		_ = op.Infer(p.graph, p.shapes) // with what can be inferred, fewer nodes need rewriting
		if err := pass.RaiseOpset(pairsSince)(p.graph); err != nil {
			return nil, err
		}
	}
	refused := map[string]error{} // nodes whose operator is known, but not this use of it
	for {
		p.kept, p.unsupported = beyond(p.graph, refused)
		if p.run, err = cut(p.graph, p.kept); err != nil {
			return p, nil // nothing can be computed: blocked says so
		}
		err := op.Infer(p.run, p.shapes)
		var node *op.NodeError
		if err == nil {
			break
		}
		if !errors.As(err, &node) || refused[node.Node.Name] != nil {
			return nil, err
		}
		refused[node.Node.Name] = err
	}
	for _, n := range p.run.Nodes {
		for _, v := range n.Outputs {
			if v != nil {
				w := p.graph.Value(v.Name)
				w.DType, w.Shape = v.DType, v.Shape
			}
		}
	}
	return p, nil
}

func describeIO(v *graph.Value) IO {
	return IO{Name: v.Name, Type: v.DType.String(), Shape: append([]int{}, v.Shape...)}
}

// Guess returns the preset that the model most probably wants, and why.
func (m *Model) Guess() (dataset.Preset, string) {
	name, reason := dataset.Guess(m.facts())
	p, _ := dataset.FindPreset(name)
	return p, reason
}

// facts collects what the guess of a preset looks at.
func (m *Model) facts() dataset.Facts {
	f := dataset.Facts{Ops: map[string]int{}, Input: m.input.Shape, Metadata: map[string]string{}}
	f.Producer = strings.TrimSpace(m.source.ProducerName + " " + m.source.ProducerVersion)
	for _, e := range m.source.MetadataProps {
		f.Metadata[e.Key] = e.Value
	}
	// Exporters leave the shapes of outputs open more often than not; where they can be inferred, they are.
	g := m.graph.Clone()
	if in, err := dataset.InputOf(m.input.Shape, 224); err == nil {
		_ = op.Infer(g, map[string][]int{m.input.Name: in.Shape()}) // what it could not infer stays unknown
	}
	for _, v := range g.Outputs {
		f.Outputs = append(f.Outputs, v.Shape)
	}
	for _, n := range g.Nodes {
		f.Ops[n.Op]++
		f.Names = append(f.Names, n.Name)
		for i, v := range n.Inputs {
			if v == nil {
				continue
			}
			f.Names = append(f.Names, v.Name)
			if i == 0 && v.Name == m.input.Name {
				f.First = append(f.First, n.Op)
			}
		}
		if padsLikeTensorFlow(n) {
			f.Same++
		}
	}
	return f
}

// padsLikeTensorFlow reports a strided layer that is padded more at its end than at its start.
func padsLikeTensorFlow(n *graph.Node) bool {
	if n.Str("auto_pad", "") == "SAME_UPPER" {
		return true
	}
	pads, strides := n.Ints("pads"), n.Ints("strides")
	return len(pads) == 4 && len(strides) == 2 && strides[0] == 2 && pads[2] > pads[0] && pads[3] > pads[1]
}
