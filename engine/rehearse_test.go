package engine

import (
	"bytes"
	flags "flag"
	"image"
	"image/jpeg"
	"os"
	"testing"
)

var makePicture = flags.Bool("picture", false, "write the picture of the rehearsal anew")

// The rehearsal goes through the whole job: what it leaves out would be slow in the first one.
func TestRehearse(t *testing.T) {
	const side = 96
	img := image.NewYCbCr(image.Rect(0, 0, side, side), image.YCbCrSubsampleRatio420)
	noise := uint32(1)
	for y := range side {
		for x := range side {
			noise = noise*1664525 + 1013904223
			img.Y[img.YOffset(x, y)] = uint8(uint32(x^y) + noise>>27)
		}
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = uint8(i), uint8(i>>6)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	if *makePicture {
		if err := os.WriteFile("rehearse.jpg", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(b.Bytes(), picture) {
		t.Error("rehearse.jpg is not what this test makes: run it with -picture")
	}
	if err := Rehearse(); err != nil {
		t.Fatal(err)
	}
}
