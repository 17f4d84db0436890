package kernels

import . "dropquant/engine/kernel/wasmasm"

// winogradCodes builds the exact transforms of tiles of codes.
func (b *builder) winogradCodes() {
	b.Func("winoin_u8_4x4", b.winoIn8)
	b.Func("winoout_s32_4x4", b.winoOut8)
}

// winoIn8 transforms eight tiles of two channels at a time: a lane is a tile.
func (b *builder) winoIn8(f *Func) {
	dst, src, base, channels, area, pitch, panels, stride := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	const n = 6
	down := f.SetI32(stride.Mul(ConstI32(n))) // to the same point of the next row
	centre := f.SplatI32(36 * 128 * (1<<16 + 1))
	f.Range(ConstI32(0), panels, 1, func(I32) {
		from := f.SetI32(src)
		f.Range(ConstI32(0), channels, 2, func(c I32) {
			second := f.SetI32(Choose(c.Plus(1).LtS(channels), area, ConstI32(0)))
			var tile [nr]I32
			for i := range tile {
				tile[i] = f.SetI32(from.Add(base.LoadI32(4 * i)))
			}
			var rows [2][n][]V128
			for r := range n {
				for ch := range rows {
					rows[ch][r] = b.locals(f, winoInLine8(f, loadTiles8(f, tile, second, ch)))
				}
				for _, p := range tile {
					if r < n-1 {
						p.Set(p.Add(pitch))
					}
				}
			}
			column := f.SetI32(dst)
			for q := range n {
				var values [2][]V128
				for ch := range rows {
					d := make([]V128, n)
					for r := range d {
						d[r] = rows[ch][r][q]
					}
					values[ch] = b.locals(f, winoInLine8(f, d))
				}
				to := f.SetI32(column)
				for r := range n {
					x, y := values[0][r], values[1][r]
					if r == 1 && q == 1 { // the one point at which a constant tile is not 0 but 36 times it
						x.Set(x.SubI16(centre))
						y.Set(y.SubI16(centre))
					}
					f.Store(to, 0, x.InterleaveLow(y))
					f.Store(to, 16, x.InterleaveHigh(y))
					if r < n-1 {
						to.Set(to.Add(down))
					}
				}
				column.Set(column.Add(stride))
			}
			from.Set(from.Add(area.Shl(1)))
			dst.Set(dst.Plus(4 * nr))
		})
		base.Set(base.Plus(4 * nr))
	})
}

// loadTiles8 reads a row of eight tiles of one of two channels and returns the columns, widened.
func loadTiles8(f *Func, tile [nr]I32, second I32, channel int) []V128 {
	x := make([]V128, nr)
	for i, p := range tile {
		if channel == 1 {
			p = p.Add(second)
		}
		x[i] = f.SetV128(p.LoadEight(0))
	}
	for i := range 4 {
		x[i].Set(x[2*i].InterleaveBytes(x[2*i+1]))
	}
	lo0, lo1 := f.SetV128(x[0].InterleaveLow(x[1])), f.SetV128(x[2].InterleaveLow(x[3]))
	hi0, hi1 := x[0].InterleaveHigh(x[1]), x[2].InterleaveHigh(x[3])
	first, mid, last := f.SetV128(lo0.Shuffle(lo1, 0, 4, 1, 5)), f.SetV128(lo0.Shuffle(lo1, 2, 6, 3, 7)), f.SetV128(hi0.Shuffle(hi1, 0, 4, 1, 5))
	var columns []V128
	for _, v := range []V128{first, mid, last} {
		columns = append(columns, f.SetV128(v.ExtendLow()), f.SetV128(v.ExtendHigh()))
	}
	return columns
}

// winoInLine8 is engine/kernel's winoInLine8; d are locals.
func winoInLine8(f *Func, d []V128) []V128 {
	even, odd := f.SetV128(d[4].SubI16(d[2].ShlI16(2))), f.SetV128(d[3].SubI16(d[1].ShlI16(2)))
	near, far := f.SetV128(d[4].SubI16(d[2])), f.SetV128(d[3].SubI16(d[1]))
	twice := f.SetV128(far.AddI16(far))
	return []V128{
		even.AddI16(d[0].ShlI16(2)).SubI16(d[2]),
		even.AddI16(odd), even.SubI16(odd),
		near.AddI16(twice), near.SubI16(twice),
		d[5].SubI16(d[3]).SubI16(twice.AddI16(twice)),
	}
}

// winoOut8 transforms four tiles of sums back at a time.
func (b *builder) winoOut8(f *Func) {
	y, sums, base, rows := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	area, pitch, panels, stride := f.ParamI32(), f.ParamI32(), f.ParamI32(), f.ParamI32()
	const n = 6
	for _, p := range []I32{area, pitch, stride} {
		p.Set(p.Shl(2))
	}
	down, baseEnd := f.SetI32(stride.Mul(ConstI32(n))), f.SetI32(base.Add(panels.Shl(5)))
	ninth := f.SplatI32(winoNinth)
	f.Range(ConstI32(0), rows, 1, func(I32) {
		at := f.SetI32(base)
		f.While(at.LtU(baseEnd), func() {
			columns := b.sumColumns(f, sums, stride, down, n, func(m []V128) []V128 { return winoOutLine8(f, m) })
			var tile [4]I32
			for i := range tile {
				tile[i] = f.SetI32(y.Add(at.LoadI32(4 * i).Shl(2)))
			}
			for p := range 4 {
				m := make([]V128, n)
				for q := range m {
					m[q] = columns[q][p]
				}
				v := winoOutLine8(f, m)
				for q := range v {
					v[q] = f.SetV128(v[q].MulI32(ninth).ShrSI32(winoShift[p] + winoShift[q]))
				}
				storeTiles(f, tile, v, func(_ I32, v V128, _ func(I32) V128) V128 { return v })
				for _, to := range tile {
					if p < 3 {
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

// Numbers of engine/kernel's refWinoOut8.
const winoNinth = 954437177

var winoShift = [4]int32{3, 2, 1, 1}

// winoOutLine8 is engine/kernel's winoOutLine8; m are locals.
func winoOutLine8(f *Func, m []V128) []V128 {
	near, nearOdd := f.SetV128(m[1].AddI32(m[2])), f.SetV128(m[1].SubI32(m[2]))
	far, farOdd := f.SetV128(m[3].AddI32(m[4])), f.SetV128(m[3].SubI32(m[4]))
	return []V128{
		m[0].AddI32(near.ShlI32(2)).AddI32(far),
		nearOdd.AddI32(nearOdd).AddI32(farOdd),
		near.AddI32(far),
		nearOdd.AddI32(farOdd).AddI32(farOdd).AddI32(m[5]),
	}
}
