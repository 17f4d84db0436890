package kernel

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

	shape [rowsLen]int32 // of the block
	to    [4]float32     // its inv or divisor, shift, lo and hi
}

// What the shape of a block says, in the order in which the kernels read it.
const (
	rowsCount = iota
	rowsCols
	rowsTo   // how far apart the rows of the result and of add are
	rowsFrom // and those of the sums
	rowsFlags
	rowsZero
	rowsLen
)

// rows finishes a block of sums acc, ldAcc apart, of the product's rows from o
// on and columns from j on.
func (f *finisher) rows(acc []int32, ldAcc, o, rows, j, cols int) {
	o += f.first
	at := o*f.ld + j
	if f.sums != nil {
		for r := range rows {
			offset, to := f.offset[o+r], f.sums[at+r*f.ld:][:cols]
			for i, s := range acc[r*ldAcc:][:cols] {
				to[i] = s + offset
			}
		}
		return
	}
	f.shape = [rowsLen]int32{int32(rows), int32(cols), int32(f.ld), int32(ldAcc), 0, f.ep.OutZero}
	offset, scale, bias, add := f.offset[o:], f.ep.Scale[o:], f.ep.Bias, f.add
	if bias != nil {
		f.shape[rowsFlags], bias = flagBias, bias[o:]
	}
	if add != nil {
		f.shape[rowsFlags], add = f.shape[rowsFlags]|flagAdd, add[at:]
	}
	if f.floats != nil {
		lo, hi, rest := f.ep.clamp()
		f.to = [4]float32{0, 0, lo, hi}
		f.mach.rescaleRows(f.floats[at:], acc, add, offset, scale, bias, f.shape[:], f.to[:])
		for r := 0; rest && r < rows; r++ {
			unary(f.mach, f.ep.Act, f.floats[at+r*f.ld:][:cols], f.ep.Lo, f.ep.Hi)
		}
		return
	}
	lo, hi, rest := f.ep.bounds()
	if !rest {
		f.to = [4]float32{f.ep.Inv, f.ep.Shift, lo, hi}
		requantize := f.mach.requantizeRows
		if f.ep.Divisor != 0 {
			f.to[0], requantize = f.ep.Divisor, f.mach.requantizeDivRows
		}
		requantize(f.codes[at:], acc, add, offset, scale, bias, f.shape[:], f.to[:])
		return
	}
	least, most, function := f.ep.clamp()
	for r := range rows {
		var b float32
		var a []float32
		if bias != nil {
			b = bias[r]
		}
		if add != nil {
			a = add[r*f.ld:]
		}
		row, to := f.row[:cols], f.codes[at+r*f.ld:][:cols]
		f.mach.rescale(row, acc[r*ldAcc:], a, cols, int(offset[r]), int(f.shape[rowsFlags]), scale[r], b, least, most)
		if function {
			unary(f.mach, f.ep.Act, row, f.ep.Lo, f.ep.Hi)
		}
		f.quantize(to, row, lo, hi)
	}
}

// quantize makes the codes of reals.
func (f *finisher) quantize(to []uint8, row []float32, lo, hi float32) {
	n, zero := len(to), int(f.ep.OutZero)
	switch {
	case f.ep.Divisor != 0:
		f.mach.quantizeDiv(to, row, n, zero, f.ep.Divisor, lo, hi)
	case f.ep.Fused:
		f.mach.quantizeFMA(to, row, n, zero, f.ep.Inv, f.ep.Shift, lo, hi)
	default:
		f.mach.quantizeMul(to, row, n, zero, f.ep.Inv, f.ep.Shift, lo, hi)
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

// rescaleEach is rescale for the rows of a block: shape is as finisher's, to has
// lo and hi in its last two elements.
func rescaleEach(m *machine) func(f []float32, acc []int32, add []float32, offset []int32, scale, bias []float32, shape []int32, to []float32) {
	return func(f []float32, acc []int32, add []float32, offset []int32, scale, bias []float32, shape []int32, to []float32) {
		eachRow(acc, add, offset, scale, bias, shape, func(at int, acc []int32, add []float32, offset int, scale, bias float32) {
			m.rescale(f[at:], acc, add, len(acc), offset, int(shape[rowsFlags]), scale, bias, to[2], to[3])
		})
	}
}

// requantizeEach is requantize for the rows of a block.
func requantizeEach(m *machine) func(y []uint8, acc []int32, add []float32, offset []int32, scale, bias []float32, shape []int32, to []float32) {
	return func(y []uint8, acc []int32, add []float32, offset []int32, scale, bias []float32, shape []int32, to []float32) {
		eachRow(acc, add, offset, scale, bias, shape, func(at int, acc []int32, add []float32, offset int, scale, bias float32) {
			m.requantize(y[at:], acc, add, len(acc), offset, int(shape[rowsFlags]), int(shape[rowsZero]), scale, bias, to[0], to[1], to[2], to[3])
		})
	}
}

// requantizeDivEach is requantizeDiv for the rows of a block.
func requantizeDivEach(m *machine) func(y []uint8, acc []int32, add []float32, offset []int32, scale, bias []float32, shape []int32, to []float32) {
	return func(y []uint8, acc []int32, add []float32, offset []int32, scale, bias []float32, shape []int32, to []float32) {
		eachRow(acc, add, offset, scale, bias, shape, func(at int, acc []int32, add []float32, offset int, scale, bias float32) {
			m.requantizeDiv(y[at:], acc, add, len(acc), offset, int(shape[rowsFlags]), int(shape[rowsZero]), scale, bias, to[0], to[2], to[3])
		})
	}
}

// eachRow calls f with what belongs to each row of a block.
func eachRow(acc []int32, add []float32, offset []int32, scale, bias []float32, shape []int32, f func(at int, acc []int32, add []float32, offset int, scale, bias float32)) {
	for r := range int(shape[rowsCount]) {
		var a []float32
		var b float32
		at := r * int(shape[rowsTo])
		if shape[rowsFlags]&flagAdd != 0 {
			a = add[at:]
		}
		if shape[rowsFlags]&flagBias != 0 {
			b = bias[r]
		}
		f(at, acc[r*int(shape[rowsFrom]):][:shape[rowsCols]], a, int(offset[r]), scale[r], b)
	}
}
