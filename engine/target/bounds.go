package target

import (
	"fmt"
	"math"

	"dropquant/engine/graph"
)

// limits are reals between which every element of a value lies, whatever the input of the model.
type limits struct{ lo, hi float32 }

var (
	inf       = float32(math.Inf(1))
	unlimited = limits{-inf, inf}
)

// ranges are the values of activations that are limited by what they compute.
var ranges = map[string]limits{
	"Relu":        {0, inf},
	"Sigmoid":     {0, 1},
	"HardSigmoid": {0, 1},
	"Softmax":     {0, 1},
	"Tanh":        {-1, 1},
	"HardSwish":   {-0.375, inf},
	"Softplus":    {0, inf},
	"Abs":         {0, inf},
}

// movers give elements of their inputs, or means of them: their limits are those of the inputs.
var movers = map[string]bool{
	"Concat": true, "MaxPool": true, "AveragePool": true, "GlobalAveragePool": true, "GlobalMaxPool": true, "Reshape": true, "Flatten": true,
	"Transpose": true, "Squeeze": true, "Unsqueeze": true, "Slice": true, "Split": true, "DepthToSpace": true, "SpaceToDepth": true,
	"Identity": true, "Dropout": true, "Expand": true, "Tile": true,
}

// silu is x·σ(x), whose least value is −0.27846.
var silu = limits{-0.27847, inf}

// bounds returns what limits v, looking back over at most a few producers.
func bounds(v *graph.Value) limits { return boundsTo(v, 8) }

func boundsTo(v *graph.Value, depth int) limits {
	if v == nil || v.Producer == nil || depth == 0 {
		return unlimited
	}
	n := v.Producer
	if l, ok := ranges[n.Op]; ok {
		return l
	}
	switch {
	case n.Op == "Clip":
		return clipBounds(n)
	case n.Op == "Mul" && isSwish(n) && gateOp(n) == "Sigmoid":
		return silu
	case n.Op == "Add":
		a, b := boundsTo(n.Input(0), depth-1), boundsTo(n.Input(1), depth-1)
		return limits{a.lo + b.lo, a.hi + b.hi}
	case n.Op == "Pad" || n.Op == "Resize" && n.Str("mode", "nearest") != "cubic":
		l := boundsTo(n.Input(0), depth-1) // padding with anything else than 0 has no row
		return limits{min(l.lo, 0), max(l.hi, 0)}
	case movers[n.Op]:
		l := limits{inf, -inf}
		for _, in := range n.Inputs {
			if isActivation(in) {
				l = l.union(boundsTo(in, depth-1))
			} else if n.Op == "Concat" {
				return unlimited
			}
		}
		if l.lo <= l.hi {
			return l
		}
	}
	return unlimited
}

// clipBounds reads the limits of a Clip: inputs since opset 11, attributes before.
func clipBounds(n *graph.Node) limits {
	l := limits{n.Float("min", -inf), n.Float("max", inf)}
	if v, ok := scalar(n.Input(1)); ok {
		l.lo = v
	}
	if v, ok := scalar(n.Input(2)); ok {
		l.hi = v
	}
	return l
}

// gateOp returns which function the gate of a Mul that isSwish computes.
func gateOp(n *graph.Node) string {
	if gates(n.Input(0), n.Input(1)) {
		return n.Input(0).Producer.Op
	}
	return n.Input(1).Producer.Op
}

func (l limits) union(m limits) limits { return limits{min(l.lo, m.lo), max(l.hi, m.hi)} }

func (l limits) within(m limits) limits { return limits{max(l.lo, m.lo), min(l.hi, m.hi)} }

// String returns "", ">=0", "<=1" or "0..6".
func (l limits) String() string {
	switch {
	case l.lo == -inf && l.hi == inf:
		return ""
	case l.hi == inf:
		return fmt.Sprintf(">=%g", l.lo)
	case l.lo == -inf:
		return fmt.Sprintf("<=%g", l.hi)
	}
	return fmt.Sprintf("%g..%g", l.lo, l.hi)
}

// roundEven rounds to the nearest whole number, ties to even, within int32.
func roundEven(x float32) int32 {
	return int32(min(max(math.RoundToEven(float64(x)), -1<<30), 1<<30))
}
