package dataset

import (
	"bytes"
	"encoding/binary"
)

var exifHeader = []byte("Exif\x00\x00")

// exifJPEG returns the TIFF block of the first APP1 segment that has one.
func exifJPEG(data []byte) []byte {
	for i := 2; i+4 <= len(data) && data[i] == 0xff; {
		if data[i+1] == 0xff { // fill byte
			i++
			continue
		}
		n := 2 + int(binary.BigEndian.Uint16(data[i+2:]))
		if data[i+1] == 0xda || i+n > len(data) { // pixels follow
			return nil
		}
		body := data[i+4 : max(i+4, i+n)]
		if data[i+1] == 0xe1 && bytes.HasPrefix(body, exifHeader) {
			return body[len(exifHeader):]
		}
		i += n
	}
	return nil
}

// exifPNG returns the eXIf chunk.
func exifPNG(data []byte) []byte {
	for i := 8; i+12 <= len(data); {
		n := int64(binary.BigEndian.Uint32(data[i:]))
		if n > int64(len(data)-i-12) {
			return nil
		}
		if string(data[i+4:i+8]) == "eXIf" {
			return data[i+8 : i+8+int(n)]
		}
		i += 12 + int(n)
	}
	return nil
}

// exifWebP returns the EXIF chunk.
func exifWebP(data []byte) []byte {
	for i := 12; i+8 <= len(data); {
		n := int64(binary.LittleEndian.Uint32(data[i+4:]))
		if n > int64(len(data)-i-8) {
			return nil
		}
		if string(data[i:i+4]) == "EXIF" {
			return bytes.TrimPrefix(data[i+8:i+8+int(n)], exifHeader)
		}
		i += 8 + int(n+n&1)
	}
	return nil
}

// orientation reads tag 0x0112 of the first directory of a TIFF block: 1 to 8,
// 1 for everything it does not understand.
func orientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(tiff[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	dir := tiff[at+2:]
	for n := order.Uint16(tiff[at:]); n > 0 && len(dir) >= 12; n-- {
		if order.Uint16(dir) == 0x0112 && order.Uint16(dir[2:]) == 3 {
			if v := order.Uint16(dir[8:]); v >= 1 && v <= 8 {
				return int(v)
			}
			return 1
		}
		dir = dir[12:]
	}
	return 1
}

// turns says, for each orientation, where a pixel of the upright image comes
// from in the stored one: whether x and y change places, and whether the
// stored column and row then count from the other end.
var turns = [9]struct{ swap, right, bottom bool }{
	2: {false, true, false},
	3: {false, true, true},
	4: {false, false, true},
	5: {true, false, false},
	6: {true, false, true},
	7: {true, true, true},
	8: {true, true, false},
}

// oriented returns the upright image of EXIF orientation o.
func (m *Image) oriented(o int) *Image {
	if o <= 1 || o > 8 {
		return m
	}
	t := turns[o]
	u := NewImage(m.W, m.H)
	if t.swap {
		u.W, u.H = m.H, m.W
	}
	for y := range u.H {
		for x := range u.W {
			sx, sy := x, y
			if t.swap {
				sx, sy = y, x
			}
			if t.right {
				sx = m.W - 1 - sx
			}
			if t.bottom {
				sy = m.H - 1 - sy
			}
			i, j := (y*u.W+x)*3, (sy*m.W+sx)*3
			copy(u.Pix[i:i+3], m.Pix[j:j+3])
		}
	}
	return u
}
