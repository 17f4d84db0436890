package dataset

import "testing"

func TestOrientation(t *testing.T) {
	little := "II*\x00\x08\x00\x00\x00\x02\x00" + "\x0f\x01\x02\x00\x01\x00\x00\x00\x00\x00\x00\x00" + "\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"
	big := "MM\x00*\x00\x00\x00\x08\x00\x01" + "\x01\x12\x00\x03\x00\x00\x00\x01\x00\x08\x00\x00"
	for name, c := range map[string]struct {
		block string
		want  int
	}{
		"little endian": {little, 6},
		"big endian":    {big, 8},
		"none":          {"", 1},
		"cut":           {little[:30], 1},
		"far directory": {"II*\x00\xff\xff\xff\xff", 1},
		"out of range":  {big[:18] + "\x00\x09\x00\x00", 1},
		"not TIFF":      {"XX*\x00\x08\x00\x00\x00\x02\x00", 1},
	} {
		if got := orientation([]byte(c.block)); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func FuzzOrientation(f *testing.F) {
	names, files, _ := golden(f)
	for _, n := range names[len(names)/2:] {
		f.Add(files[n])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, find := range []func([]byte) []byte{exifJPEG, exifPNG, exifWebP} {
			if o := orientation(find(data)); o < 1 || o > 8 {
				t.Errorf("orientation %d", o)
			}
		}
		if o := orientation(data); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}
