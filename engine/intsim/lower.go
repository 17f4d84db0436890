package intsim

import (
	"fmt"
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/quant"
	"dropquant/engine/target"
	"dropquant/engine/tensor"
)

// Lowered is the graph that a runtime executes, and where it holds the values of the graph that was lowered.
type Lowered struct {
	Graph  *graph.Graph
	codes  map[string]carried // by the name of the value, float or integer, whose codes they are
	layers []layer

	onAnyCPU bool // no sum depends on the kind of processor, nor its order
}

// layer is a unit and the operator that runs it.
type layer struct {
	name   string      // of the node of the file
	kernel *graph.Node // in the lowered graph
	out    *carried    // what leaves it, nil when that is float
}

// carried are codes with what they stand for.
type carried struct {
	value  *graph.Value
	params quant.Params // of value's own type: shifted codes have shifted zero points
}

// lowering is the state of Lower.
type lowering struct {
	g       *graph.Graph // a copy that is rewritten
	b       *Backend
	ordered bool
	r       *target.Reading
	types   map[*graph.Value]op.Type

	codes       map[*graph.Value]carried // of float values of g
	names       map[string]carried
	shifted     map[*graph.Node]bool           // pairs whose codes have 128 added by now
	signed      map[*graph.Node]bool           // QuantizeLinear whose codes the runtime leaves signed: with 128 added here
	ranges      map[*graph.Node]levels         // of QuantizeLinear that a defect gives others than those of its codes
	roundings   map[*graph.Node]rounding       // of every QuantizeLinear that became Requantize
	requantized map[*graph.Node]bool           // see quantizedBefore
	readers     map[*graph.Value][]*graph.Node // of the values of the graph as it was
	consts      map[string]*graph.Value
	layers      []layer
}

// Lower rewrites a copy of a Q/DQ graph into what the runtime of b executes for inputs of the given shapes.
//
// The steps follow target.Reading: pairs give codes, movers run on codes, and for each unit the backend's recipe puts
// its kernel on the codes of the inputs. A QuantizeLinear of a value whose codes are there already is those codes. What
// nothing reads any more goes away.
func Lower(g *graph.Graph, b *Backend, shapes map[string][]int) (*Lowered, error) {
	return lower(g, b, shapes, false)
}

// lower is Lower. With ordered convolutions and products that stay float become operators that add up as the runtime does, which no operator of a file says.
func lower(g *graph.Graph, b *Backend, shapes map[string][]int, ordered bool) (*Lowered, error) {
	l := &lowering{g: g.Clone(), b: b, ordered: ordered, codes: map[*graph.Value]carried{}, names: map[string]carried{}, shifted: map[*graph.Node]bool{}, signed: map[*graph.Node]bool{}, ranges: map[*graph.Node]levels{}, roundings: map[*graph.Node]rounding{}, consts: map[string]*graph.Value{}}
	if err := l.g.Sort(); err != nil {
		return nil, err
	}
	if err := l.infer(shapes); err != nil {
		return nil, err
	}
	if b.emit == nil {
		return &Lowered{Graph: l.g, codes: l.names, layers: l.layers, onAnyCPU: true}, nil
	}
	l.r = target.Read(l.g, b.Target)
	onAnyCPU := b.ISA == "" || l.r.OnAnyCPU()
	if b.making == byOneDNN {
		l.requantized = l.quantizedBefore()
	}
	if b.has(SignedConcat) {
		l.misalign()
	}
	if b.making != inKernels {
		l.readers = readersOf(l.g)
		l.unsign()
	}
	if b.making == byOneDNN {
		l.clamp()
	}
	units := map[*graph.Node]*target.Unit{}
	for _, n := range slices.Clone(l.g.Nodes) {
		if f := l.r.Fate(n); f.State == target.Int8 {
			units[n] = f.Unit
		}
		if err := l.node(n); err != nil {
			return nil, &op.NodeError{Node: n, Err: err}
		}
	}
	if err := l.g.Sort(); err != nil {
		return nil, err
	}
	l.g.RemoveDead()
	for name, c := range l.names {
		if l.g.Value(c.value.Name) != c.value { // it exists in no kernel
			delete(l.names, name)
		}
	}
	for i, layer := range l.layers {
		if layer.out != nil && l.g.Value(layer.out.value.Name) != layer.out.value {
			l.layers[i].out = nil
		}
	}
	for _, n := range l.g.Nodes {
		if u, old := units[n]; old && b.making == inKernels {
			return nil, fmt.Errorf("bug: node %q, which runs as %s, is still read in float", n.Name, u.Kernel)
		}
	}
	if err := op.Infer(l.g, shapes); err != nil {
		return nil, err
	}
	onAnyCPU = onAnyCPU && !slices.ContainsFunc(l.g.Nodes, func(n *graph.Node) bool { return n.Domain == own && n.Int("static", 0) != 0 }) // see op.Arithmetic.Lanes
	return &Lowered{l.g, l.names, l.layers, onAnyCPU}, nil
}

// infer states the types of all values, and computes the codes of constants that the file quantizes itself.
func (l *lowering) infer(shapes map[string][]int) error {
	if err := op.Unsupported(l.g); err != nil {
		return err
	}
	r, err := op.Resolve(l.g, shapes)
	if err != nil {
		return err
	}
	l.types = r.Types
	for i, n := range l.g.Nodes {
		for _, v := range n.Outputs {
			if v == nil {
				continue
			}
			v.DType, v.Shape = r.Types[v].DType, r.Types[v].Shape
			if known := r.Known[v]; known != nil && (v.DType == tensor.Int64 || n.Op == "Constant") && !l.g.IsOutput(v) { // runtimes read shapes and pads before all else
				l.g.MakeConst(v, known)
			}
		}
		if n.Op != "QuantizeLinear" || slices.ContainsFunc(n.Inputs, func(v *graph.Value) bool { return v != nil && v.Const == nil }) || l.g.IsOutput(n.Out(0)) {
			continue
		}
		in := make([]*tensor.Tensor, len(n.Inputs))
		for k, v := range n.Inputs {
			if v != nil {
				in[k] = v.Const
			}
		}
		out, err := r.Calls[i].Eval(in)
		if err != nil {
			return &op.NodeError{Node: n, Err: err}
		}
		l.g.MakeConst(n.Outputs[0], out[0])
	}
	for _, n := range slices.Clone(l.g.Nodes) {
		// Exporters leave Pads by nothing, which runtimes take away: without it a pair behind one is no unit's. How far one pads they
		// often compute from constants.
		if n.Op == "Pad" && n.Domain == "" && !l.g.IsOutput(n.Outputs[0]) && padsNothing(n) {
			l.g.ReplaceUses(n.Outputs[0], n.Inputs[0], nil)
		}
	}
	l.g.RemoveDead()
	return nil
}

func padsNothing(n *graph.Node) bool {
	pads := n.Ints("pads")
	if v := n.Input(1); v != nil {
		if v.Const == nil || v.Const.DType != tensor.Int64 {
			return false
		}
		for _, p := range v.Const.I64() {
			pads = append(pads, int(p))
		}
	}
	return len(pads) > 0 && !slices.ContainsFunc(pads, func(p int) bool { return p != 0 })
}

// node lowers one node.
func (l *lowering) node(n *graph.Node) error {
	switch f := l.r.Fate(n); f.State {
	case target.Paired:
		l.pair(n)
		if n.Op == "QuantizeLinear" && l.b.making != inKernels && len(n.Outputs[0].Uses) > 0 {
			l.quantize(f)
		}
	case target.Moves:
		l.move(n)
	case target.Int8:
		return l.b.emit(l, f.Unit)
	case target.Float, target.Stored:
		if c, ok := l.codes[n.Input(0)]; ok && (n.Op == "Shape" || n.Op == "Size") { // the codes have it too
			l.g.SetInput(n, 0, c.value)
		}
		l.makeInFloat(f)
		if l.b.making == byOneDNN {
			l.normalize(n)
		}
		if l.ordered && l.b.Target == target.ONNXRuntime {
			l.order(n)
		}
	}
	return nil
}

// pair takes the codes of a DequantizeLinear, and a QuantizeLinear away whose codes are there.
func (l *lowering) pair(n *graph.Node) {
	switch n.Op {
	case "DequantizeLinear":
		c := l.r.Codes(n.Outputs[0])
		if c == nil {
			return
		}
		if c.Shifted {
			l.shift(c.Q)
			l.shift(n)
		}
		from := carried{n.Inputs[0], inRuntime(c)}
		if c.Shifted && !l.signed[c.Q] && l.b.making == byOneDNN {
			from.params.Scale = levelsOf(c.Params).scales()
			l.g.SetInput(n, 1, l.scale(from.params))
		}
		l.carry(n.Outputs[0], from)
		l.names[n.Inputs[0].Name] = from
		if c.Q != nil {
			l.levelsInFloat(n, c.Q, c.Params)
		}
	case "QuantizeLinear":
		have, ok := l.codes[n.Inputs[0]]
		if !ok || !matches(n, have.params) {
			return
		}
		l.names[n.Outputs[0].Name] = have
		l.g.ReplaceUses(n.Outputs[0], have.value, nil)
		if l.g.IsOutput(n.Outputs[0]) {
			l.g.TakeOutput(l.add("", "Identity", n.Name, []*graph.Value{have.value}, nil), 0, n, 0)
		}
	}
}

// matches reports whether a QuantizeLinear gives codes of these parameters.
func matches(q *graph.Node, p quant.Params) bool {
	scale, zero := q.Input(1).Const, q.Input(2)
	if scale == nil || scale.DType != tensor.Float32 || !slices.Equal(scale.F32(), p.Scale) {
		return false
	}
	if zero == nil {
		return p.DType == tensor.Uint8 && p.Zero[0] == 0
	}
	if zero.Const == nil || zero.Const.DType != p.DType || p.DType != tensor.Int8 && p.DType != tensor.Uint8 {
		return false
	}
	for i, z := range p.Zero {
		if tensor.Bytes(zero.Const)[i] != uint8(z) {
			return false
		}
	}
	return true
}

// carry notes that c are the codes of the float value v.
func (l *lowering) carry(v *graph.Value, c carried) {
	l.codes[v], l.names[v.Name] = c, c
}

// leave notes that kernel runs u and that it, or what a recipe puts behind it, gives these codes.
func (l *lowering) leave(u *target.Unit, kernel *graph.Node, codes *graph.Value) {
	if u.Codes.Shifted {
		l.shift(u.Codes.Q)
	}
	c := carried{codes, inRuntime(u.Codes)}
	l.carry(u.Out, c)
	l.layers = append(l.layers, layer{u.Node.Name, kernel, &c})
}

// inRuntime returns what codes stand for in the runtime: shifted ones are unsigned.
func inRuntime(c *target.Codes) quant.Params {
	p := c.Params
	if c.Shifted {
		p.DType, p.QMin, p.QMax, p.Zero = tensor.Uint8, 0, 255, slices.Clone(p.Zero)
		for i := range p.Zero {
			p.Zero[i] += 128
		}
	}
	return p
}

// shift makes the codes of a QuantizeLinear or DequantizeLinear unsigned.
func (l *lowering) shift(n *graph.Node) {
	if l.shifted[n] {
		return
	}
	l.shifted[n] = true
	zero := tensor.Data[int8](n.Inputs[2].Const)
	codes := make([]uint8, len(zero))
	for i, z := range zero {
		codes[i] = uint8(z) ^ 0x80
	}
	l.g.SetInput(n, 2, l.g.AddConst(n.Inputs[2].Name, tensor.Of(codes, n.Inputs[2].Const.Shape...)))
}

// move runs a node that only moves elements on the codes of its input.
func (l *lowering) move(n *graph.Node) {
	if l.requantized[n] {
		return
	}
	in := slices.Clone(n.Inputs)
	var moved carried
	for i, v := range in {
		if c, ok := l.codes[v]; ok && l.types[v].DType == tensor.Float32 {
			in[i], moved = c.value, c
		}
	}
	if moved.value == nil {
		return // the runtime quantizes before it and not behind it, which gives the same codes
	}
	if n.Op == "AveragePool" { // the means are rounded to codes
		y := l.op(own, "Requantize", []*graph.Value{l.op("", n.Op, []*graph.Value{l.float(in[0])}, n.Attrs...), l.vector([]float32{1}), l.vector([]float32{0})})
		l.g.SetOpset(own, 1)
		l.carry(n.Outputs[0], carried{y, moved.params})
		reals := l.op("", "DequantizeLinear", []*graph.Value{y, l.scale(moved.params), l.zero(moved.params)})
		l.g.ReplaceUses(n.Outputs[0], reals, func(u graph.Use) bool { s := l.r.Fate(u.Node).State; return s != target.Float && s != target.Stored })
		return
	}
	names := make([]string, len(n.Outputs))
	for i, v := range n.Outputs {
		if v != nil {
			names[i] = v.Name + "_codes"
		}
	}
	if n.Op == "Pad" { // with zeros, by its row
		for len(in) < 3 {
			in = append(in, nil)
		}
		in[2] = l.zero(moved.params)
	}
	m := l.g.AddNode(n.Op, n.Name, in, n.Attrs, names...)
	m.Domain = n.Domain
	if n.Op == "Concat" && !slices.ContainsFunc(n.Inputs, func(v *graph.Value) bool { return l.codes[v].value == nil }) {
		moved.params = l.sideBySide(n)
	}
	for i, v := range n.Outputs {
		if v != nil {
			l.carry(v, carried{m.Outputs[i], moved.params})
		}
	}
}

// sideBySide returns what the codes of a Concat stand for: where those that meet differ, each along the axis for itself.
func (l *lowering) sideBySide(n *graph.Node) quant.Params {
	first := l.codes[n.Inputs[0]].params
	if !slices.ContainsFunc(n.Inputs, func(v *graph.Value) bool {
		p := l.codes[v].params
		return !slices.Equal(p.Scale, first.Scale) || !slices.Equal(p.Zero, first.Zero)
	}) {
		return first
	}
	out := first
	out.Scale, out.Zero, out.Axis = nil, nil, n.Int("axis", 0)
	if out.Axis < 0 {
		out.Axis += len(n.Outputs[0].Shape)
	}
	for _, v := range n.Inputs {
		p := l.codes[v].params
		for k := range v.Shape[out.Axis] {
			out.Scale, out.Zero = append(out.Scale, p.Scale[min(k, len(p.Scale)-1)]), append(out.Zero, p.Zero[min(k, len(p.Zero)-1)])
		}
	}
	return out
}

// add appends a node of one output.
func (l *lowering) add(domain, name, node string, in []*graph.Value, attrs []graph.Attr) *graph.Node {
	n := l.g.AddNode(name, node, in, attrs, node+"_codes")
	n.Domain = domain
	if domain != "" {
		l.g.SetOpset(domain, 1)
	}
	return n
}

// replace puts kernel in the place of a unit with a float result.
func (l *lowering) replace(u *target.Unit, kernel *graph.Node) {
	l.g.TakeOutput(kernel, 0, u.Out.Producer, 0)
	l.layers = append(l.layers, layer{u.Node.Name, kernel, nil})
}

// input returns the codes of input i of a unit.
func (l *lowering) input(u *target.Unit, i int) (carried, error) {
	c, ok := l.codes[u.Node.Input(i)]
	switch {
	case ok:
		return c, nil
	case u.Inputs[i] == nil:
		return c, fmt.Errorf("bug: there are no codes of input %d", i)
	}
	// What moves the codes stays float, and the runtime has put a pair behind it.
	p := inRuntime(u.Inputs[i])
	q := l.add("", "QuantizeLinear", u.Node.Name, []*graph.Value{u.Node.Inputs[i], l.scale(p), l.zero(p)}, nil)
	c = carried{q.Outputs[0], p}
	l.carry(u.Node.Inputs[i], c)
	return c, nil
}

// scale returns the scales of p as a constant.
func (l *lowering) scale(p quant.Params) *graph.Value {
	return l.constant("scale", tensor.Of(slices.Clone(p.Scale), shapeOf(p)...))
}

// zero returns the zero points of p as a constant.
func (l *lowering) zero(p quant.Params) *graph.Value {
	t := tensor.New(p.DType, shapeOf(p)...)
	for i, z := range p.Zero {
		switch p.DType {
		case tensor.Int8, tensor.Uint8:
			tensor.Bytes(t)[i] = uint8(z)
		}
	}
	return l.constant("zero", t)
}

// shapeOf is that of the parameters: of rank 0 per tensor.
func shapeOf(p quant.Params) []int {
	if len(p.Scale) == 1 {
		return nil
	}
	return []int{len(p.Scale)}
}

// constant adds a constant, once for scalars of the same bits.
func (l *lowering) constant(base string, t *tensor.Tensor) *graph.Value {
	key := ""
	if t.Len() == 1 {
		switch t.DType {
		case tensor.Float32:
			key = fmt.Sprintf("%x", t.F32()[0])
		default:
			key = fmt.Sprintf("%v %d", t.DType, tensor.Bytes(t)[0])
		}
		if v := l.consts[key]; v != nil {
			return v
		}
	}
	v := l.g.AddConst(base, t)
	if key != "" {
		l.consts[key] = v
	}
	return v
}
