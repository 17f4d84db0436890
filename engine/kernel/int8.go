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
// where round is half to even. ONNX Runtime's requantization is Inv 1 with the
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
	OutZero      int32
	OutLo, OutHi int32 // within 0 to 255; both 0 are 0 and 255
}

// bounds returns what a requantized value is clamped to before OutZero is
// added, with the activation's own clamp taken in: f·Inv + Shift grows with f
// whatever it is rounded to, so that clamping before it or after it is the same.
func (e *Epilogue8) bounds() (lo, hi float32, rest bool) {
	least, most := float32(e.OutLo-e.OutZero), float32(e.OutHi-e.OutZero)
	actLo, actHi, rest := e.clamp()
	of := func(f float32) float32 { return clamp(float32(f*e.Inv)+e.Shift, least, most) }
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

// A finisher brings blocks of sums to where they go.
type finisher struct {
	mach   *machine
	ep     *Epilogue8
	offset []int32 // ep's, less zero·Σw
	first  int     // output channel of the product's first row
	ld     int     // of the results and of add
	add    []float32
	row    []float32 // scratch, of a block's width

	// One of the three is set.
	sums   []int32
	floats []float32
	codes  []uint8
}

// rows finishes a block of sums acc, ldAcc apart, of the product's rows from o
// on and columns from j on.
func (f *finisher) rows(acc []int32, ldAcc, o, rows, j, cols int) {
	o += f.first
	var lo, hi float32
	var rest bool
	switch {
	case f.floats != nil:
		lo, hi, rest = f.ep.clamp()
	case f.codes != nil:
		lo, hi, rest = f.ep.bounds()
	}
	for r := range rows {
		from, at := acc[r*ldAcc:][:cols], (o+r)*f.ld+j
		offset := f.offset[o+r]
		if f.sums != nil {
			for i, s := range from {
				f.sums[at+i] = s + offset
			}
			continue
		}
		flags, bias := 0, float32(0)
		if f.ep.Bias != nil {
			flags, bias = flagBias, f.ep.Bias[o+r]
		}
		var add []float32
		if f.add != nil {
			flags, add = flags|flagAdd, f.add[at:at+cols]
		}
		scale := f.ep.Scale[o+r]
		if f.floats != nil {
			to := f.floats[at : at+cols]
			f.mach.rescale(to, from, add, cols, int(offset), flags, scale, bias, lo, hi)
			if rest {
				unary(f.mach, f.ep.Act, to, f.ep.Lo, f.ep.Hi)
			}
			continue
		}
		to := f.codes[at : at+cols]
		if !rest {
			f.mach.requantize(to, from, add, cols, int(offset), flags, int(f.ep.OutZero), scale, bias, f.ep.Inv, f.ep.Shift, lo, hi)
			continue
		}
		row := f.row[:cols]
		f.mach.rescale(row, from, add, cols, int(offset), flags, scale, bias, negInf, posInf)
		unary(f.mach, f.ep.Act, row, f.ep.Lo, f.ep.Hi)
		f.mach.quantizeMul(to, row, cols, int(f.ep.OutZero), f.ep.Inv, f.ep.Shift, lo, hi)
	}
}

// unary applies an activation that is no clamp, in place.
func unary(mach *machine, act Act, x []float32, lo, hi float32) {
	f := mach.unary[act]
	if f == nil {
		f = reference.unary[act]
	}
	f(x, x, lo, hi, len(x))
}
