package onnxgo

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/owulveryck/onnx-go"
	gorgonia "gorgonia.org/tensor"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// dtypes are the element types that both sides know.
var dtypes = map[gorgonia.Dtype]tensor.DType{
	gorgonia.Float32: tensor.Float32, gorgonia.Float64: tensor.Float64, gorgonia.Bool: tensor.Bool,
	gorgonia.Int8: tensor.Int8, gorgonia.Int16: tensor.Int16, gorgonia.Int32: tensor.Int32, gorgonia.Int64: tensor.Int64,
	gorgonia.Uint8: tensor.Uint8, gorgonia.Uint16: tensor.Uint16, gorgonia.Uint32: tensor.Uint32, gorgonia.Uint64: tensor.Uint64,
}

// attributes brings the attributes of an operator into a fixed order and the engine's types.
func attributes(o onnx.Operation) ([]graph.Attr, error) {
	var list []graph.Attr
	for _, name := range slices.Sorted(maps.Keys(o.Attributes)) {
		switch v := o.Attributes[name].(type) {
		case int64, float32, string, []int64, []float32, []string:
			list = append(list, graph.Attr{Name: name, Value: v})
		case gorgonia.Tensor:
			t, err := fromGorgonia(v)
			if err != nil {
				return nil, fmt.Errorf("attribute %s of operator %s: %w", name, o.Name, err)
			}
			list = append(list, graph.Attr{Name: name, Value: t})
		case struct{}: // an attribute without a type
		default:
			return nil, fmt.Errorf("attribute %s of operator %s is a %T", name, o.Name, v)
		}
	}
	return list, nil
}

// fromGorgonia returns the elements of a gorgonia tensor, not copied when they lie in row-major order.
func fromGorgonia(t gorgonia.Tensor) (*tensor.Tensor, error) {
	if t == nil {
		return nil, errors.New("it has no elements: set it with SetInput")
	}
	if t.RequiresIterator() || !t.DataOrder().IsRowMajor() {
		d, ok := t.(*gorgonia.Dense)
		if !ok {
			return nil, fmt.Errorf("it is a %T, not dense", t)
		}
		t = d.Materialize()
	}
	shape := append([]int{}, t.Shape()...)
	switch v := t.Data().(type) {
	case []float32:
		return wrap(v, shape)
	case []float64:
		return wrap(v, shape)
	case []int8:
		return wrap(v, shape)
	case []uint8:
		return wrap(v, shape)
	case []int16:
		return wrap(v, shape)
	case []uint16:
		return wrap(v, shape)
	case []int32:
		return wrap(v, shape)
	case []int64:
		return wrap(v, shape)
	case []uint32:
		return wrap(v, shape)
	case []uint64:
		return wrap(v, shape)
	case []bool:
		return wrap(v, shape)
	case float32: // how gorgonia hands out a single element
		return wrap([]float32{v}, shape)
	case float64: // how gorgonia hands out a single element
		return wrap([]float64{v}, shape)
	case int32: // how gorgonia hands out a single element
		return wrap([]int32{v}, shape)
	case int64: // how gorgonia hands out a single element
		return wrap([]int64{v}, shape)
	case bool: // how gorgonia hands out a single element
		return wrap([]bool{v}, shape)
	}
	return nil, fmt.Errorf("elements of type %v are not supported", t.Dtype())
}

func wrap[T tensor.Element](v []T, shape []int) (*tensor.Tensor, error) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	if n != len(v) {
		return nil, fmt.Errorf("%d elements for the shape %v", len(v), shape)
	}
	return tensor.Of(v, shape...), nil
}

// toGorgonia copies a tensor: the engine's is overwritten by the next run.
func toGorgonia(t *tensor.Tensor) gorgonia.Tensor {
	var data any
	switch t.DType {
	case tensor.Float32:
		data = slices.Clone(t.F32())
	case tensor.Float64:
		data = slices.Clone(tensor.Data[float64](t))
	case tensor.Int8:
		data = slices.Clone(tensor.Data[int8](t))
	case tensor.Uint8:
		data = slices.Clone(tensor.Data[uint8](t))
	case tensor.Int16:
		data = slices.Clone(tensor.Data[int16](t))
	case tensor.Uint16, tensor.Float16, tensor.BFloat16:
		data = slices.Clone(tensor.Data[uint16](t))
	case tensor.Int32:
		data = slices.Clone(tensor.Data[int32](t))
	case tensor.Int64:
		data = slices.Clone(t.I64())
	case tensor.Uint32:
		data = slices.Clone(tensor.Data[uint32](t))
	case tensor.Uint64:
		data = slices.Clone(tensor.Data[uint64](t))
	case tensor.Bool:
		data = slices.Clone(tensor.Data[bool](t))
	default:
		data = slices.Clone(tensor.Data[string](t))
	}
	return gorgonia.New(gorgonia.WithShape(t.Shape...), gorgonia.WithBacking(data))
}
