package kernel

// Integer loops. A code is a byte, 0 to 255; an int8 tensor is held with 128
// added to its codes and to its zero point, which changes no real value. Weights
// are signed. All machines agree bit for bit, except where Epilogue8.Act is one
// of the functions that Unary approximates.

// Sums says how the products of an integer product add up.
type Sums uint8

// The ways of adding.
const (
	// Exact adds in 32 bits all along, as VNNI, AMX and GPUs do.
	Exact Sums = iota
	// Paired first adds the products of slots 2j and 2j+1 of the inner dimension
	// with saturation to 16 bits, as vpmaddubsw does on x86-64 without VNNI.
	Paired
)

// Epilogue8 is what happens to a sum of products before it is stored. Each
// operation is rounded to float32 by itself:
//
//	s = Σ x·w − zero·Σ w + Offset[o]        (int32, wraps)
//	f = act(float32(s)·Scale[o] + Bias[o] + add)
//	code = clamp(round(f·Inv + Shift) + OutZero, OutLo, OutHi)
//
// where round is half to even; with Fused f·Inv + Shift is rounded once, and
// with Divisor it is f/Divisor. ONNX Runtime's requantization is Inv 1 with the
// product of the scales in Scale; oneDNN's is Inv 1/scale of the result with
// its zero point in Shift. A NaN has no defined code.
type Epilogue8 struct {
	Offset []int32   // one per output channel, or nil
	Scale  []float32 // one per output channel; may be nil where only Sums is called
	Bias   []float32 // one per output channel, or nil
	Act    Act
	Lo, Hi float32 // parameters of Act

	Inv          float32 // positive; 0 is 1
	Shift        float32 // finite
	Fused        bool
	Divisor      float32 // positive, or 0 for none
	OutZero      int32
	OutLo, OutHi int32 // within 0 to 255; both 0 are 0 and 255
}

// bounds returns what a requantized value is clamped to before OutZero is
// added, with the activation's own clamp taken in: f·Inv + Shift grows with f
// whatever it is rounded to, and so does f/Divisor, so that clamping before it or
// after it is the same.
// It tells whether the kernel that requantizes cannot do all of it.
func (e *Epilogue8) bounds() (lo, hi float32, rest bool) {
	least, most := float32(e.OutLo-e.OutZero), float32(e.OutHi-e.OutZero)
	if e.Fused {
		return least, most, true
	}
	actLo, actHi, rest := e.clamp()
	of := func(f float32) float32 {
		if e.Divisor != 0 {
			return clamp(f/e.Divisor, least, most)
		}
		return clamp(float32(f*e.Inv)+e.Shift, least, most)
	}
	return of(actLo), of(actHi), rest
}

func (e *Epilogue8) clamp() (lo, hi float32, rest bool) {
	float := Epilogue{Act: e.Act, Lo: e.Lo, Hi: e.Hi}
	return float.clamp()
}

// complete fills in what zero values stand for.
func (e *Epilogue8) complete() {
	if e.Inv == 0 {
		e.Inv = 1
	}
	if e.OutLo == 0 && e.OutHi == 0 {
		e.OutHi = 255
	}
}
