package jpeg

import "encoding/binary"

// The markers that matter, ITU-T T.81 table B.1.
const (
	mSOF0, mSOF1, mSOF2, mSOF15 = 0xc0, 0xc1, 0xc2, 0xcf
	mDHT, mJPG, mDAC            = 0xc4, 0xc8, 0xcc
	mRST0, mRST7                = 0xd0, 0xd7
	mSOI, mEOI, mSOS, mDQT      = 0xd8, 0xd9, 0xda, 0xdb
	mDRI, mAPP0, mAPP14, mTEM   = 0xdd, 0xe0, 0xee, 0x01
)

// maxScans bounds the work of a small file: honest ones have at most a few
// dozen scans.
const maxScans = 500

// segments walks the file from marker to marker.
func (d *decoder) segments() error {
	if len(d.data) < 2 || d.data[0] != 0xff || d.data[1] != mSOI {
		return damaged(0, "no start marker")
	}
	for d.at = 2; ; {
		m, ok := d.marker()
		if !ok { // libjpeg adds a missing end marker; without later scans nothing is lost
			if !d.sizeOnly && !d.progressive && d.complete() {
				return nil
			}
			return truncated(len(d.data))
		}
		if m == mEOI {
			if !d.complete() {
				return damaged(d.at, "end marker before the image is complete")
			}
			return nil
		}
		if m == 0 || m == mTEM || m == mSOI || m >= mRST0 && m <= mRST7 {
			continue // stray markers have no body
		}
		if len(d.data)-d.at < 2 {
			return truncated(len(d.data))
		}
		n := int(binary.BigEndian.Uint16(d.data[d.at:]))
		if n < 2 {
			return damaged(d.at, "segment without a length")
		}
		if n > len(d.data)-d.at {
			return truncated(len(d.data))
		}
		body := d.data[d.at+2 : d.at+n]
		d.at += n
		if err := d.segment(m, body); err != nil {
			return err
		}
		if d.sizeOnly && d.w > 0 {
			return nil
		}
	}
}

// marker skips to the next marker and past it.
func (d *decoder) marker() (m byte, ok bool) {
	for d.at+1 < len(d.data) {
		if d.data[d.at] == 0xff && d.data[d.at+1] != 0xff && d.data[d.at+1] != 0 {
			d.at += 2
			return d.data[d.at-1], true
		}
		d.at++
	}
	return 0, false
}

// complete reports whether every component has been brought by a scan.
func (d *decoder) complete() bool {
	for i := range d.comps {
		if !d.comps[i].seen {
			return false
		}
	}
	return len(d.comps) > 0
}

func (d *decoder) segment(m byte, body []byte) error {
	switch {
	case m == mDHT:
		return d.readHuffman(body)
	case m == mDQT:
		return d.readQuant(body)
	case m == mSOS:
		return d.scan(body)
	case m == mDRI:
		if len(body) < 2 {
			return damaged(d.at, "short restart segment")
		}
		d.restart = int(binary.BigEndian.Uint16(body))
	case m == mAPP0:
		d.jfif = d.jfif || len(body) >= 5 && string(body[:5]) == "JFIF\x00"
	case m == mAPP14:
		if len(body) >= 12 && string(body[:5]) == "Adobe" {
			d.adobe = int(body[11]) + 1
		}
	case m == mDAC:
		return unsupported("arithmetic coding")
	case m == mSOF0 || m == mSOF1 || m == mSOF2:
		return d.readFrame(m, body)
	case m > mSOF2 && m <= mSOF15 && m != mJPG:
		return unsupported("arithmetic, lossless or hierarchical coding")
	}
	return nil
}

func (d *decoder) readQuant(b []byte) error {
	for len(b) > 0 {
		wide, id := int(b[0]>>4), b[0]&15
		n := 64 * (1 + wide)
		if wide > 1 || id > 3 || len(b) < 1+n {
			return damaged(d.at, "bad quantization table")
		}
		for i := range 64 {
			v := int32(b[1+i])
			if wide == 1 {
				v = int32(binary.BigEndian.Uint16(b[1+2*i:]))
			}
			d.quant[id][zigzag[i]] = v
		}
		b = b[1+n:]
	}
	return nil
}

// readFrame reads the dimensions and the components' sampling.
func (d *decoder) readFrame(m byte, b []byte) error {
	switch {
	case d.comps != nil:
		return damaged(d.at, "second frame")
	case len(b) < 6 || len(b) < 6+3*int(b[5]):
		return damaged(d.at, "short frame header")
	case b[0] != 8:
		return unsupported("samples of more than 8 bits")
	}
	d.progressive = m == mSOF2
	d.h, d.w = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	n := int(b[5])
	if d.w == 0 || d.h == 0 {
		return unsupported("no height or width in the header")
	}
	if n != 1 && n != 3 && n != 4 {
		return unsupported("a number of components that is not 1, 3 or 4")
	}
	d.comps = make([]component, n)
	d.hmax, d.vmax = 1, 1
	for i := range d.comps {
		p := b[6+3*i:]
		c := component{id: p[0], h: int(p[1] >> 4), v: int(p[1] & 15)}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || p[2] > 3 {
			return damaged(d.at, "bad component")
		}
		c.quant = &d.quant[p[2]]
		d.hmax, d.vmax = max(d.hmax, c.h), max(d.vmax, c.v)
		d.comps[i] = c
	}
	mcuW, mcuH := ceil(d.w, 8*d.hmax), ceil(d.h, 8*d.vmax)
	for i := range d.comps {
		c := &d.comps[i]
		if d.hmax%c.h != 0 || d.vmax%c.v != 0 {
			return unsupported("fractional sampling")
		}
		c.w, c.rows = ceil(d.w*c.h, d.hmax), ceil(d.h*c.v, d.vmax)
		c.across, c.down = ceil(c.w, 8), ceil(c.rows, 8)
		c.stride, c.blocks = mcuW*c.h, mcuW*c.h*mcuH*c.v
	}
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }

// zigzag maps the order of the file to the natural order of a block.
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}
