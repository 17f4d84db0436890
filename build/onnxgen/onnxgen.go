// Onnxgen writes engine/onnx/schema.go, the codec of the ONNX messages, from
// the official descriptor.
//
//	go run . [-desc onnx.desc] [-out ../../engine/onnx/schema.go]
//
// onnx.desc is the serialized FileDescriptorProto of onnx/onnx-ml.proto as the
// Python package onnx 1.23.2 carries it (onnx.onnx_ml_pb2.DESCRIPTOR.serialized_pb;
// Apache-2.0, https://github.com/onnx/onnx). To move to a newer schema, replace
// the file and run the program.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	desc := flag.String("desc", "onnx.desc", "serialized FileDescriptorProto of onnx-ml.proto")
	out := flag.String("out", "../../engine/onnx/schema.go", "Go file to write")
	flag.Parse()
	if err := run(*desc, *out); err != nil {
		fmt.Fprintln(os.Stderr, "onnxgen:", err)
		os.Exit(1)
	}
}

func run(desc, out string) error {
	data, err := os.ReadFile(desc)
	if err != nil {
		return err
	}
	code, err := Generate(data)
	if err != nil {
		return err
	}
	return os.WriteFile(out, code, 0o644)
}
