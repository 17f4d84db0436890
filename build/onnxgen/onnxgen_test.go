package main

import (
	"bytes"
	"os"
	"testing"
)

// TestCommittedCodec regenerates the codec and compares it with the one that is committed.
func TestCommittedCodec(t *testing.T) {
	desc, err := os.ReadFile("onnx.desc")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Generate(desc)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../engine/onnx/schema.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("engine/onnx/schema.go is not what onnxgen writes: run `go run .` here and commit the result")
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"TensorShapeProto.Dimension", "TensorShapeDimension"},
		{"AttributeProto.AttributeType", "AttributeType"},
		{"StringStringEntryProto", "StringStringEntry"},
		{"TensorProto.DataType", "TensorDataType"},
	} {
		if got := goType(c.in); got != c.want {
			t.Errorf("goType(%q) = %q, want %q", c.in, got, c.want)
		}
	}
	if got := camel("index_to_device_group_map"); got != "IndexToDeviceGroupMap" {
		t.Errorf("camel: %q", got)
	}
}

func TestGenerateRejects(t *testing.T) {
	if _, err := Generate([]byte{0xff}); err == nil {
		t.Error("a truncated descriptor was accepted")
	}
}
