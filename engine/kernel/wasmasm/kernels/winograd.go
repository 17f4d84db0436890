package kernels

import . "dropquant/engine/kernel/wasmasm"

// The finite points of the transforms of 4x4 outputs, as in engine/kernel.
const (
	winoNear = 5.0 / 8
	winoFar  = 3.0 / 2
)

// winograd builds the transforms of tiles, four at a time: a lane is a tile.
func (b *builder) winograd() {
	for _, size := range []int{2, 4} {
		name := map[int]string{2: "_f32_2x2", 4: "_f32_4x4"}[size]
		b.Func("winoin"+name, func(f *Func) { b.winoIn(f, size) })
		b.Func("winoout"+name, func(f *Func) { b.winoOut(f, size) })
	}
}

func (b *builder) winoIn(f *Func, size int) {
	dst, src, base, channels, area, pitch, panels, stride := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	n := size + 2
	for _, p := range []I32{area, pitch, stride} {
		p.Set(p.Shl(2))
	}
	down := f.SetI32(stride.Mul(ConstI32(int32(n)))) // to the same point of the next row
	f.Range(ConstI32(0), panels, 1, func(I32) {
		from := f.SetI32(src)
		f.Range(ConstI32(0), channels, 1, func(I32) {
			f.Range(ConstI32(0), ConstI32(32), 16, func(half I32) { // of the panel
				var tile [4]I32
				at := f.SetI32(base.Add(half))
				for i := range tile {
					tile[i] = f.SetI32(from.Add(at.LoadI32(4 * i).Shl(2)))
				}
				rows := make([][]V128, n)
				for r := range rows {
					rows[r] = b.locals(f, b.winoInLine(f, size, loadTiles(f, tile, n)))
					for _, p := range tile {
						if r < n-1 {
							p.Set(p.Add(pitch))
						}
					}
				}
				column := f.SetI32(dst.Add(half))
				for q := range n {
					d := make([]V128, n)
					for r := range d {
						d[r] = rows[r][q]
					}
					to := f.SetI32(column)
					for r, v := range b.winoInLine(f, size, d) {
						f.Store(to, 0, v)
						if r < n-1 {
							to.Set(to.Add(down))
						}
					}
					column.Set(column.Add(stride))
				}
			})
			from.Set(from.Add(area))
			dst.Set(dst.Plus(32))
		})
		base.Set(base.Plus(32))
	})
}

// locals keeps values.
func (b *builder) locals(f *Func, values []V128) []V128 {
	for i, v := range values {
		values[i] = f.SetV128(v)
	}
	return values
}

// sumColumns reads n columns of n vectors of sums, the vectors of a column down apart and the columns stride, and returns line of each, in
// locals.
func (b *builder) sumColumns(f *Func, sums, stride, down I32, n int, line func(column []V128) []V128) [][]V128 {
	columns := make([][]V128, n)
	column := f.SetI32(sums)
	for q := range columns {
		m := make([]V128, n)
		from := f.SetI32(column)
		for r := range m {
			m[r] = f.SetV128(from.LoadV128(0))
			if r < n-1 {
				from.Set(from.Add(down))
			}
		}
		columns[q] = b.locals(f, line(m))
		column.Set(column.Add(stride))
	}
	return columns
}

// loadTiles reads a row of four tiles of n columns, four or six, and returns the columns.
func loadTiles(f *Func, tile [4]I32, n int) []V128 {
	var x [4]V128
	for i, p := range tile {
		x[i] = f.SetV128(p.LoadV128(0))
	}
	columns := turn(f, x)
	if n == 6 {
		for i, p := range tile {
			x[i].Set(p.LoadV128(8))
		}
		lo, hi := f.SetV128(x[0].Shuffle(x[1], 2, 6, 3, 7)), f.SetV128(x[2].Shuffle(x[3], 2, 6, 3, 7))
		columns = append(columns, f.SetV128(lo.Shuffle(hi, 0, 1, 4, 5)), f.SetV128(lo.Shuffle(hi, 2, 3, 6, 7)))
	}
	return columns
}

// turn transposes four vectors, which are locals.
func turn(f *Func, x [4]V128) []V128 {
	lo0, hi0 := f.SetV128(x[0].Shuffle(x[1], 0, 4, 1, 5)), f.SetV128(x[0].Shuffle(x[1], 2, 6, 3, 7))
	lo1, hi1 := f.SetV128(x[2].Shuffle(x[3], 0, 4, 1, 5)), f.SetV128(x[2].Shuffle(x[3], 2, 6, 3, 7))
	return []V128{
		f.SetV128(lo0.Shuffle(lo1, 0, 1, 4, 5)), f.SetV128(lo0.Shuffle(lo1, 2, 3, 6, 7)),
		f.SetV128(hi0.Shuffle(hi1, 0, 1, 4, 5)), f.SetV128(hi0.Shuffle(hi1, 2, 3, 6, 7)),
	}
}

// winoInLine is engine/kernel's refWinoInLine; d are locals.
func (b *builder) winoInLine(f *Func, size int, d []V128) []V128 {
	if size == 2 {
		return []V128{d[2].Sub(d[0]), d[2].Add(d[1]), d[2].Sub(d[1]), d[3].Sub(d[1])}
	}
	const a2, b2 = winoNear * winoNear, winoFar * winoFar
	times := func(v float32, x, y V128) V128 { return b.madd(x, f.Splat(v), y) } // v·x + y
	pair := func(p, other float32) (plus, minus V128) {
		even, odd := f.SetV128(times(-other, d[2], d[4])), f.SetV128(times(-other, d[1], d[3]))
		return times(p, odd, even), times(-p, odd, even)
	}
	v := []V128{times(a2*b2, d[0], times(-(a2+b2), d[2], d[4])), {}, {}, {}, {}, times(a2*b2, d[1], times(-(a2+b2), d[3], d[5]))}
	v[1], v[2] = pair(winoNear, b2)
	v[3], v[4] = pair(winoFar, a2)
	return v
}

func (b *builder) winoOut(f *Func, size int) {
	y, sums, bias, add, base, rows := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	area, pitch, panels, stride, flags := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	lo, hi := f.ParamF32(), f.ParamF32()
	n := size + 2
	for _, p := range []I32{area, pitch, stride} {
		p.Set(p.Shl(2))
	}
	down, baseEnd := f.SetI32(stride.Mul(ConstI32(int32(n)))), f.SetI32(base.Add(panels.Shl(5)))
	low, high := f.SetV128(lo.Splat()), f.SetV128(hi.Splat())
	addend := f.SetI32(add.Sub(y)) // how far from an output its addend lies
	f.Range(ConstI32(0), rows, 1, func(I32) {
		shift := f.SetV128(Zero())
		f.If(flags.Mask(flagBias), func() {
			shift.Set(bias.LoadSplat(0))
			bias.Set(bias.Plus(4))
		})
		at := f.SetI32(base)
		f.While(at.LtU(baseEnd), func() {
			columns := b.sumColumns(f, sums, stride, down, n, func(m []V128) []V128 { return b.winoOutLine(f, size, m) })
			var tile [4]I32
			for i := range tile {
				tile[i] = f.SetI32(y.Add(at.LoadI32(4 * i).Shl(2)))
			}
			for p := range size {
				m := make([]V128, n)
				for q := range m {
					m[q] = columns[q][p]
				}
				v := b.winoOutLine(f, size, m)
				for i := range v {
					v[i] = f.SetV128(v[i].Add(shift))
				}
				storeTiles(f, tile, v, func(p I32, v V128, load func(I32) V128) V128 {
					f.If(flags.Mask(flagAdd), func() { v.Set(v.Add(load(p.Add(addend)))) })
					return v.Max(low).Min(high)
				})
				for _, to := range tile {
					if p < size-1 {
						to.Set(to.Add(pitch))
					}
				}
			}
			at.Set(at.Plus(16))
			sums.Set(sums.Plus(16))
		})
		y.Set(y.Add(area))
	})
}

// storeTiles stores a row of four tiles of two or four columns, after finish has seen it. load reads as much as is stored.
func storeTiles(f *Func, tile [4]I32, columns []V128, finish func(p I32, v V128, load func(I32) V128) V128) {
	if len(columns) == 4 {
		for i, v := range turn(f, [4]V128(columns)) {
			f.Store(tile[i], 0, finish(tile[i], v, func(p I32) V128 { return p.LoadV128(0) }))
		}
		return
	}
	x, y := columns[0], columns[1]
	for i, p := range tile {
		v := f.SetV128(x.Shuffle(y, i, 4+i, i, 4+i))
		f.StoreLanes(p, 0, f.SetV128(finish(p, v, func(p I32) V128 { return p.LoadPair(0) })), 2)
	}
}

// winoOutLine is engine/kernel's refWinoOutLine; m are locals.
func (b *builder) winoOutLine(f *Func, size int, m []V128) []V128 {
	if size == 2 {
		return []V128{m[0].Add(m[1]).Add(m[2]), m[1].Sub(m[2]).Add(m[3])}
	}
	const a, b1, a2, b2 = winoNear, winoFar, winoNear * winoNear, winoFar * winoFar
	near, nearOdd := f.SetV128(m[1].Add(m[2])), f.SetV128(m[1].Sub(m[2]))
	far, farOdd := f.SetV128(m[3].Add(m[4])), f.SetV128(m[3].Sub(m[4]))
	return []V128{
		m[0].Add(near).Add(far),
		b.madd(nearOdd, f.Splat(a), farOdd.Mul(f.Splat(b1))),
		b.madd(near, f.Splat(a2), far.Mul(f.Splat(b2))),
		b.madd(nearOdd, f.Splat(a2*a), b.madd(farOdd, f.Splat(b2*b1), m[5])),
	}
}
