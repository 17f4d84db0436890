package main

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// unbase85 is what boot.js does.
func unbase85(text string, n int) []byte {
	var out []byte
	for i := 0; i < len(text); i += 5 {
		v := uint32(0)
		for _, c := range []byte(text[i : i+5]) {
			d := uint32(c - '(')
			if c == '~' {
				d = '<' - '('
			}
			v = v*85 + d
		}
		out = binary.BigEndian.AppendUint32(out, v)
	}
	return out[:n]
}

func TestBase85(t *testing.T) {
	var all []byte
	for i := range 70_000 {
		all = append(all, byte(i*i>>7), byte(i), 0xff)
	}
	for _, data := range [][]byte{nil, {0}, {255, 255, 255, 255}, []byte("abcde"), all} {
		text := string(base85(data))
		if back := unbase85(text, len(data)); !bytes.Equal(back, data) {
			t.Errorf("%d bytes do not come back", len(data))
		}
		if strings.ContainsAny(text, "<\r\n") || len(text) != (len(data)+3)/4*5 {
			t.Errorf("%d bytes become %d characters, some of which a page could take for its own", len(data), len(text))
		}
	}
}
