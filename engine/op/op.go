// Package op says what every operator means: one function per operator and
// semantic version, in one table.
//
// Such a rule sees a node with the types, shapes and constant elements of its
// inputs. It checks the attributes, states the types and shapes of the outputs
// and returns the loop that computes them, with every attribute resolved, so a
// loop that runs once per image reads no attribute and checks no shape. Shape
// inference (Infer) runs the rules alone; engine/exec runs the loops.
//
// Source: the operator specifications of ONNX (onnx/defs, docs/Operators.md and
// docs/Changelog.md of v1.22.0), and onnx/reference where the prose is silent.
// Sums accumulate in float64 where that is free and in float32 in the kernels;
// results agree with ONNX's vectors within 1e-5 relative to the largest element.
package op

import (
	"errors"
	"fmt"

	"dropquant/engine/graph"
	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// Type is the element type and shape of a tensor. The zero Type stands for an omitted input or output.
type Type struct {
	DType tensor.DType
	Shape []int
}

// Run computes the outputs of a node into tensors of the inferred types and shapes. Omitted inputs
// and outputs are nil. It fails only where the elements decide, as for an index out of range. A Run
// owns its scratch memory: it must not run twice at the same time.
type Run func(in, out []*tensor.Tensor) error

// Rule checks a node and fills Out and Run of the call, or says what is wrong with it.
type Rule func(c *Call) error

// Call is a node with all that its rule reads and states.
type Call struct {
	Node  *graph.Node
	Row   *Row
	Opset int              // version of the node's domain
	In    []Type           // the types of the inputs
	Known []*tensor.Tensor // the elements of the inputs that are constant; nil elsewhere

	Scratch    *kernel.Scratch // working memory that the calls of one graph share
	Arithmetic Arithmetic

	Out    []Type
	Run    Run            // nil when Result says it all
	Result *tensor.Tensor // output 0 when the shapes alone decide it, as for Shape
	Spec   any            // the resolved attributes of an operator that engine/exec fuses: *Conv, *Gemm, *Activation, *Quantizer, *Binary, *IntConv, *Requantize, *CodeFunction, *CodePair

	Work int64 // bytes that Run allocates for itself, where they are many

	// Saturated counts, by output channel and over all runs, the pairs of products of integer layers that saturation has changed. It is nil
	// where the Arithmetic does not count, or the layer has no pairs.
	Saturated []int64

	err error // the first attribute that is out of bounds
}

// Row is one operator from one opset version on, until the next row of the same name.
type Row struct {
	Name   string
	Domain string
	Since  int
	Min    int   // inputs at least
	Max    int   // inputs at most
	Types  Types // element types that input 0 may have
	Alias  Alias
	Rule   Rule
}

// Alias says which memory output 0 may share with input 0.
type Alias uint8

const (
	Fresh   Alias = iota // output 0 needs its own memory
	InPlace              // Run may write output 0 over input 0 when their types are the same
	View                 // output 0 is input 0 under another shape
)

// Types is a set of element types.
type Types uint32

func typesOf(dts ...tensor.DType) (s Types) {
	for _, dt := range dts {
		s |= 1 << dt
	}
	return s
}

// Has reports whether the set holds dt.
func (s Types) Has(dt tensor.DType) bool { return dt > 0 && dt < 32 && s>>dt&1 == 1 }

// The sets that the table uses. Float16 and BFloat16 are moved and cast but not computed with.
var (
	fp32     = typesOf(tensor.Float32)
	floats   = typesOf(tensor.Float32, tensor.Float64)
	signed   = floats | typesOf(tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64)
	unsigned = typesOf(tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64)
	numbers  = signed | unsigned
	integers = numbers &^ floats
	indices  = typesOf(tensor.Int32, tensor.Int64)
	bools    = typesOf(tensor.Bool)
	anything = numbers | bools | typesOf(tensor.String, tensor.Float16, tensor.BFloat16)
	texts    = typesOf(tensor.String)
	nothing  = Types(0) // the operator has no input

	products    = floats | typesOf(tensor.Int32, tensor.Int64, tensor.Uint32, tensor.Uint64)
	quantizable = typesOf(tensor.Float32, tensor.Int32)
	codes       = typesOf(tensor.Int8, tensor.Uint8, tensor.Int16, tensor.Uint16, tensor.Int32)
	rangeable   = floats | typesOf(tensor.Int16, tensor.Int32, tensor.Int64)
)

// rows groups the table by operator, in the table's order.
var rows = func() map[[2]string][]*Row {
	m := map[[2]string][]*Row{}
	for i := range Table {
		r := &Table[i]
		m[[2]string{r.Domain, r.Name}] = append(m[[2]string{r.Domain, r.Name}], r)
	}
	return m
}()

// Lookup returns the row of an operator at an opset version, or nil.
func Lookup(domain, name string, opset int) *Row {
	if domain == "ai.onnx" {
		domain = ""
	}
	var found *Row
	for _, r := range rows[[2]string{domain, name}] {
		if r.Since <= opset && (found == nil || r.Since >= found.Since) {
			found = r
		}
	}
	return found
}

// Supported returns nil when a node of g can be computed, else a sentence.
func Supported(g *graph.Graph, n *graph.Node) error { return supported(n, opset(g, n.Domain)) }

func supported(n *graph.Node, opset int) error {
	if Lookup(n.Domain, n.Op, opset) != nil {
		return nil
	}
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return fmt.Errorf("node %q: operator %s of the domain %q is not one that Dropquant can compute: export the model with standard ONNX operators", n.Name, n.Op, n.Domain)
	}
	return fmt.Errorf("node %q: operator %s at opset %d is not one that Dropquant can compute: export the model without it, or cut it off before that node", n.Name, n.Op, min(opset, 99))
}

// Unsupported returns one error that names every node that cannot be computed, or nil.
func Unsupported(g *graph.Graph) error {
	var errs []error
	for _, n := range g.Nodes {
		if err := Supported(g, n); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func opset(g *graph.Graph, domain string) int {
	if domain == "" || domain == "ai.onnx" {
		return max(g.Opset[""], g.Opset["ai.onnx"])
	}
	return max(g.Opset[domain], 1)
}
