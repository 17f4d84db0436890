package graph

import (
	"fmt"
	"strconv"

	"dropquant/engine/tensor"
)

// A literal prints and parses the elements of one type.
type literal struct {
	format func(t *tensor.Tensor) func(i int) string
	parse  func(dt tensor.DType, shape []int, n int, at func(i int) string) (*tensor.Tensor, error)
}

// literals has a row for every element type that package tensor holds.
var literals = map[tensor.DType]literal{
	tensor.Float32: elements(formatFloat32, func(s string) (float32, error) {
		f, err := strconv.ParseFloat(s, 32)
		return float32(f), err
	}),
	tensor.Float64: elements(func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) },
		func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }),
	tensor.Int8:     elements(formatInt[int8], parseInt[int8](8)),
	tensor.Int16:    elements(formatInt[int16], parseInt[int16](16)),
	tensor.Int32:    elements(formatInt[int32], parseInt[int32](32)),
	tensor.Int64:    elements(formatInt[int64], parseInt[int64](64)),
	tensor.Uint8:    elements(formatUint[uint8], parseUint[uint8](10, 8)),
	tensor.Uint16:   elements(formatUint[uint16], parseUint[uint16](10, 16)),
	tensor.Uint32:   elements(formatUint[uint32], parseUint[uint32](10, 32)),
	tensor.Uint64:   elements(formatUint[uint64], parseUint[uint64](10, 64)),
	tensor.Float16:  elements(formatBits, parseUint[uint16](0, 16)),
	tensor.BFloat16: elements(formatBits, parseUint[uint16](0, 16)),
	tensor.Bool:     elements(strconv.FormatBool, strconv.ParseBool),
	tensor.String:   elements(strconv.Quote, strconv.Unquote),
}

func elements[T tensor.Element](format func(T) string, parse func(string) (T, error)) literal {
	return literal{
		format: func(t *tensor.Tensor) func(int) string {
			data := tensor.Data[T](t)
			return func(i int) string { return format(data[i]) }
		},
		parse: func(dt tensor.DType, shape []int, n int, at func(int) string) (*tensor.Tensor, error) {
			data := make([]T, n)
			for i := range data {
				x, err := parse(at(i))
				if err != nil {
					return nil, fmt.Errorf("%s is not a %v", at(i), dt)
				}
				data[i] = x
			}
			return tensor.WithType(dt, data, shape...), nil
		},
	}
}

func formatFloat32(f float32) string { return strconv.FormatFloat(float64(f), 'g', -1, 32) }

func formatInt[T int8 | int16 | int32 | int64](x T) string { return strconv.FormatInt(int64(x), 10) }

func formatUint[T uint8 | uint16 | uint32 | uint64](x T) string {
	return strconv.FormatUint(uint64(x), 10)
}

func formatBits(x uint16) string { return fmt.Sprintf("0x%04x", x) }

func parseInt[T int8 | int16 | int32 | int64](bits int) func(string) (T, error) {
	return func(s string) (T, error) {
		x, err := strconv.ParseInt(s, 10, bits)
		return T(x), err
	}
}

func parseUint[T uint8 | uint16 | uint32 | uint64](base, bits int) func(string) (T, error) {
	return func(s string) (T, error) {
		x, err := strconv.ParseUint(s, base, bits)
		return T(x), err
	}
}
