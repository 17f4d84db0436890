package main

import "encoding/binary"

// base85 writes bytes as text for a data block of a page, five characters for four bytes where base64 takes five and a third: half a
// megabyte of the single-file page. The characters are those from '(' on, with '~' in place of '<', which could end the block. The
// last four bytes are filled up with zeros. boot.js reads it.
func base85(data []byte) []byte {
	out := make([]byte, 0, (len(data)+3)/4*5)
	for len(data) > 0 {
		var four [4]byte
		data = data[copy(four[:], data):]
		v := binary.BigEndian.Uint32(four[:])
		var digits [5]byte
		for k := 4; k >= 0; k-- {
			digits[k] = '(' + byte(v%85)
			if digits[k] == '<' {
				digits[k] = '~'
			}
			v /= 85
		}
		out = append(out, digits[:]...)
	}
	return out
}
