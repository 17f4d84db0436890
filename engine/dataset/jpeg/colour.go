package jpeg

// tables holds what chroma adds to red, green and blue; green in 16 bits of
// fraction. Source: build_ycc_rgb_table of jdcolor.c.
var tables = func() (t struct{ crR, cbB, crG, cbG [256]int }) {
	const half = 1 << 15
	for i := range t.crR {
		x := i - 128
		t.crR[i] = (91881*x + half) >> 16  // 1.402
		t.cbB[i] = (116130*x + half) >> 16 // 1.772
		t.crG[i] = -46802 * x              // 0.71414
		t.cbG[i] = -22554*x + half         // 0.34414
	}
	return t
}()

// colour converts the planes to packed RGB, row by row.
func (d *decoder) colour() []uint8 {
	var up [4]*upsampler
	for i := range d.comps {
		up[i] = newUpsampler(d, &d.comps[i])
	}
	rgb := make([]uint8, d.w*d.h*3)
	var in [4][]uint8
	for y := range d.h {
		for i := range d.comps {
			in[i] = up[i].row(y)[:d.w]
		}
		dst := rgb[y*d.w*3 : (y+1)*d.w*3]
		switch {
		case len(d.comps) == 1:
			interleave(dst, in[0], in[0], in[0])
		case d.isYCC():
			fromYCC(dst, in[0], in[1], in[2])
		default:
			interleave(dst, in[0], in[1], in[2])
		}
		if len(d.comps) == 4 {
			ink(dst, in[3], !d.isYCC())
		}
	}
	return rgb
}

// isYCC tells luma and chroma from plain colours as default_decompress_parms of
// jdapimin.c does.
func (d *decoder) isYCC() bool {
	switch {
	case len(d.comps) == 4:
		return d.adobe == 1+2
	case d.jfif:
		return true
	case d.adobe > 0:
		return d.adobe != 1+0
	}
	return !(d.comps[0].id == 'R' && d.comps[1].id == 'G' && d.comps[2].id == 'B')
}

func interleave(dst, r, g, b []uint8) {
	g, b = g[:len(r)], b[:len(r)]
	for i, v := range r {
		d := dst[i*3 : i*3+3]
		d[0], d[1], d[2] = v, g[i], b[i]
	}
}

func fromYCC(dst, luma, cb, cr []uint8) {
	cb, cr = cb[:len(luma)], cr[:len(luma)]
	for i, l := range luma {
		b, r, d := cb[i], cr[i], dst[i*3:i*3+3]
		v := int(l)
		d[0] = clamp(v + tables.crR[r])
		d[1] = clamp(v + (tables.cbG[b]+tables.crG[r])>>16)
		d[2] = clamp(v + tables.cbB[b])
	}
}

// ink turns a row of cyan, magenta and yellow with its black into RGB without a
// colour profile: light·(255-ink)/255, rounded as Pillow's Convert.c does. As
// Adobe writes them, and Pillow reads all, CMYK files hold 255-ink; the RGB of a
// YCCK file comes out as ink.
func ink(dst, black []uint8, inverted bool) {
	for i, k := range black {
		for c := i * 3; c < i*3+3; c++ {
			v := int(dst[c])
			if inverted {
				v = 255 - v
			}
			t := v*int(k) + 128
			dst[c] = clamp(int(k) - (t>>8+t)>>8)
		}
	}
}
