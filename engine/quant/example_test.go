package quant_test

import (
	"fmt"

	"dropquant/engine/quant"
)

// A tensor between −1 and 3 on 8 bits: scale, zero point, codes, and the reals
// they stand for.
func Example() {
	p := quant.U8.Params(-1, 3)
	fmt.Printf("real = %.6f × (code − %d)\n", p.Scale[0], p.Zero[0])

	x := []float32{-1, 0, 0.5, 3, 10}
	codes := make([]uint8, len(x))
	quant.Quantize(codes, x, nil, p)
	fmt.Println(codes)

	reals := make([]float32, len(x))
	quant.Dequantize(reals, codes, nil, p)
	fmt.Printf("%.4f\n", reals)
	// Output:
	// real = 0.015686 × (code − 64)
	// [0 64 96 255 255]
	// [-1.0039 0.0000 0.5020 2.9961 2.9961]
}
