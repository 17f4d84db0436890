package dataset

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
)

// noise is the picture of that name in testdata/pillow.py.
func noise(w, h int) *Image {
	m := NewImage(w, h)
	for i := range m.Pix {
		m.Pix[i] = uint8(uint64(i) * 2654435761 >> 13)
	}
	return m
}

// checkResized compares with a line "w h w h filter sha256" of Pillow's.
func checkResized(t *testing.T, line string) {
	t.Helper()
	var w, h, ow, oh int
	var filter, want string
	if _, err := fmt.Sscan(line, &w, &h, &ow, &oh, &filter, &want); err != nil {
		t.Fatal(err)
	}
	m := noise(w, h).Resize(ow, oh, Filter(filter))
	if got := fmt.Sprintf("%x", sha256.Sum256(m.Pix)); got != want || m.W != ow || m.H != oh {
		t.Errorf("%dx%d to %dx%d, %s: not Pillow's pixels", w, h, ow, oh, filter)
	}
}

func TestResizeEqualsPillow(t *testing.T) {
	data, err := os.ReadFile("testdata/resize.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, "#") {
			checkResized(t, line)
			n++
		}
	}
	if n < 30 {
		t.Errorf("only %d cases", n)
	}
}

func TestResizeEqualsPillowLive(t *testing.T) {
	for i, f := range []Filter{Bilinear, Bicubic, Nearest, Bilinear, Bilinear, Bicubic} {
		checkResized(t, python(t, "resize", fmt.Sprint(640-i*97), fmt.Sprint(53+i*61), fmt.Sprint(17+i*71), fmt.Sprint(416-i*55), string(f)))
	}
}

// A crop of the resized image is computed alone and must be the same pixels.
func TestResizeCrop(t *testing.T) {
	m := noise(61, 47)
	for _, f := range []Filter{Bilinear, Bicubic, Nearest} {
		for _, size := range [][2]int{{40, 30}, {61, 30}, {40, 47}, {61, 47}, {90, 80}} {
			whole := m.Resize(size[0], size[1], f)
			part := m.resizeCrop(size[0], size[1], 7, 5, 20, 11, f)
			for y := range part.H {
				if got, want := part.row(y), whole.row(y + 5)[7*3:27*3]; string(got) != string(want) {
					t.Fatalf("%v %s: row %d differs", size, f, y)
				}
			}
		}
	}
}
