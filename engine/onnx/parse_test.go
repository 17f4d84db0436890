package onnx

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// valid is a small canonical model: ir_version 8, a graph "g", opset 13.
var valid = func() []byte {
	m := &Model{Graph: &Graph{Name: "g", Node: []*Node{{OpType: "Relu", Input: []string{"x"}, Output: []string{"y"}}}}}
	m.SetIrVersion(8)
	m.OpsetImport = []*OperatorSetId{{Version: 13}}
	return m.Marshal()
}()

// nested is a model with a subgraph in a subgraph, depth times.
func nested(depth int) []byte {
	g := &Graph{Name: "leaf"}
	for range depth {
		g = &Graph{Node: []*Node{{Attribute: []*Attribute{{G: g}}}}}
	}
	return (&Model{Graph: g}).Marshal()
}

// TestHostileFiles pins what a user reads when a file is not a model.
func TestHostileFiles(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"empty", "", "the file is empty: export or download the model again"},
		{"JPEG", "\xff\xd8\xff\xe0\x00\x10JFIF", "not an ONNX model: it is a JPEG image: drop images together with a .onnx file"},
		{"PNG", "\x89PNG\r\n\x1a\n\x00\x00", "not an ONNX model: it is a PNG image: drop images together with a .onnx file"},
		{"zip", "PK\x03\x04\x00\x00", "not an ONNX model: it is a zip archive, perhaps a PyTorch checkpoint (.pt, .pth) or Keras file: unpack it if a .onnx is inside, else export the model with torch.onnx.export"},
		{"pickle", "\x80\x02}q\x00", "not an ONNX model: it is a Python pickle, perhaps an old PyTorch checkpoint: export the model with torch.onnx.export"},
		{"TFLite", "\x1c\x00\x00\x00TFL3\x14\x00", "not an ONNX model: it is a TensorFlow Lite model: convert it with tf2onnx"},
		{"ORT", "\x1c\x00\x00\x00ORTM\x14\x00", "not an ONNX model: it is an ONNX Runtime .ort file: use the .onnx file that it was made from"},
		{"HTML", "\n<!DOCTYPE html><html>", "not an ONNX model: it is a web page, perhaps an error page in place of the download: download the model itself"},
		{"JSON", "{\"a\": 1}", "not an ONNX model: it is a JSON file: choose the .onnx file that goes with it"},
		{"safetensors", "\x40\x00\x00\x00\x00\x00\x00\x00{\"w\":{", "not an ONNX model: it looks like a safetensors file, weights without a graph: export the model to ONNX with its framework"},
		{"LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "not an ONNX model: it is a Git LFS pointer, a note where the model should be: fetch the model itself with `git lfs pull`"},
		{"OpenVINO", "<?xml version=\"1.0\"?><net>", "not an ONNX model: it is an XML file, perhaps an OpenVINO model: use the ONNX model that it was made from"},
		{"gzip", "\x1f\x8b\x08\x00", "not an ONNX model: it is a gzip archive: unpack it first"},
		{"no graph", "\x08\x08", "not an ONNX model: it holds no graph; choose the .onnx file that the exporter wrote"},
		{"random", "\xaa\x0d\x51\xfb\x10\x99", "not an ONNX model: a field claims 81 bytes where 3 are left (byte 0, in ModelProto)"},
		{"wire type of a known field", "\x08\x08\x38\x01", "not an ONNX model: field 7 has wire type 0 (byte 2, in ModelProto)"},
		{"group", "\x08\x08\xeb\x01", "not an ONNX model: field 29 has wire type 3, which ONNX does not use (byte 2, in ModelProto)"},
		{"field 0", "\x08\x08\x00\x01", "not an ONNX model: a field has the number 0 (byte 2, in ModelProto)"},
		{"65 bits", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "not an ONNX model: a number has more than 64 bits (byte 0, in ModelProto)"},
		{"huge length", "\x08\x08\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "the model is cut off after 12 bytes: a field claims 9223372036854775807 bytes where 0 are left (byte 2, in ModelProto); download or export it again"},
		{"cut off", string(valid[:len(valid)-6]), "the model is cut off after 19 bytes: a field claims 17 bytes where 15 are left (byte 2, in ModelProto); download or export it again"},
		{"inner length beyond the outer", "\x08\x08\x3a\x04\x0a\x03\x0a\x09", "the model is cut off after 8 bytes: a field claims 3 bytes where 2 are left (byte 4, in ModelProto.graph); download or export it again"},
		{"packed floats of 3 bytes", "\x3a\x0c\x2a\x0a\x0a\x01w\x22\x03\x00\x00\x00\x10\x01\x42\x00", "not an ONNX model: a list of 4-byte numbers is 3 bytes long (byte 7, in GraphProto.initializer)"},
		{"too deep", string(nested(60)), "not an ONNX model: messages nest deeper than 100 (byte 300, in AttributeProto.g)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Parse([]byte(c.data))
			if err == nil || m != nil {
				t.Fatalf("it was accepted: %v", m)
			}
			if err.Error() != c.want {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
		})
	}
	if _, err := Parse(nested(33)); err != nil {
		t.Errorf("33 subgraphs deep: %v", err)
	}
}

// TestForms reads what canonical writers do not write and expects it back as it was.
func TestForms(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		m    Message
		same bool // byte for byte, else the second writing equals the first
	}{
		{"unpacked float_data", []byte("\x10\x01\x25\x00\x00\x80\x3f\x25\x00\x00\x00\x40"), new(Tensor), true},
		{"packed float_data", []byte("\x10\x01\x22\x08\x00\x00\x80\x3f\x00\x00\x00\x40"), new(Tensor), true},
		{"packed dims", []byte("\x0a\x02\x03\x04"), new(Tensor), true},
		{"unpacked dims", []byte("\x08\x03\x08\x04"), new(Tensor), true},
		{"negative ints", []byte("\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), new(Attribute), true},
		{"an int that is present and 0", []byte("\x18\x00"), new(Attribute), true},
		{"an empty string that is present", []byte("\x0a\x00"), new(Attribute), true},
		{"an unknown field", []byte("\x0a\x01x\xfa\x01\x03abc"), new(Attribute), true},
		{"an unknown field in front", []byte("\xfa\x01\x03abc\x0a\x01x"), new(Attribute), false},
		{"both forms in one list", []byte("\x0a\x02\x03\x04\x08\x05"), new(Tensor), false},
		{"a number with leading zeros", []byte("\x18\x81\x00"), new(Attribute), false},
		{"a message in two parts", []byte("\x2a\x02\x08\x01\x2a\x02\x10\x02"), new(Attribute), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := Unmarshal(c.data, c.m); err != nil {
				t.Fatal(err)
			}
			out := Marshal(c.m)
			if c.same && !bytes.Equal(out, c.data) {
				t.Errorf("written %x, want %x", out, c.data)
			}
			if bytes.Equal(out, c.data) != c.same {
				t.Errorf("written %x: the table is wrong", out)
			}
		})
	}
}

func TestMergeAndOneof(t *testing.T) {
	a := new(Attribute)
	if err := Unmarshal([]byte("\x2a\x02\x08\x01\x2a\x02\x10\x02"), a); err != nil || len(a.T.Dims) != 1 || a.T.DataType != 2 {
		t.Errorf("the parts of a message are not merged: %v %+v", err, a.T)
	}
	d := new(TensorShapeDimension)
	if err := Unmarshal([]byte("\x08\x05\x12\x01N"), d); err != nil || d.HasDimValue() || d.DimParam != "N" {
		t.Errorf("the last member of a oneof does not win: %v %+v", err, d)
	}
	if d.SetDimValue(0); !d.HasDimValue() || d.HasDimParam() {
		t.Errorf("SetDimValue leaves %+v", d)
	}
	if d.ClearDimValue(); d.HasDimValue() {
		t.Error("ClearDimValue leaves it present")
	}
}

// TestUnknownFieldsDoNotWriteIntoTheInput appends behind a view of the file.
func TestUnknownFieldsDoNotWriteIntoTheInput(t *testing.T) {
	data := []byte("\xfa\x01\x01a\x0a\x01x\xfa\x01\x01b")
	before := bytes.Clone(data)
	a := new(Attribute)
	if err := Unmarshal(data, a); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, before) {
		t.Error("the input was written into")
	}
	if want := "\x0a\x01x\xfa\x01\x01a\xfa\x01\x01b"; string(Marshal(a)) != want {
		t.Errorf("written %x", Marshal(a))
	}
}

// TestSegments checks that long data is shared and that the list is short.
func TestSegments(t *testing.T) {
	raw := bytes.Repeat([]byte{7}, viewSize)
	m := &Model{Graph: &Graph{Initializer: []*Tensor{{Name: "w", RawData: raw}, {Name: "b", RawData: raw[:viewSize-1]}}}}
	segs := m.Segments()
	if !bytes.Equal(bytes.Join(segs, nil), m.Marshal()) {
		t.Error("the segments are not the file")
	}
	if len(segs) != 3 || &segs[1][0] != &raw[0] {
		t.Errorf("%d segments, want head, a view of the data, tail", len(segs))
	}
}

// TestParseAllocatesLittle: a list that claims a billion elements is held to what is there.
func TestParseAllocatesLittle(t *testing.T) {
	data := []byte("\x08\x08\x3a\x88\x80\x80\x80\x40\x2a\x84\x80\x80\x80\x40\x22\x80\x80\x80\x80\x40")
	if n := testing.AllocsPerRun(10, func() { _, _ = Parse(data) }); n > 20 {
		t.Errorf("%v allocations", n)
	}
}

func TestMinIR(t *testing.T) {
	for _, c := range []struct{ opset, ir int }{
		{1, 3}, {8, 3}, {9, 4}, {10, 5}, {11, 6}, {12, 7}, {13, 7}, {14, 7}, {15, 8}, {18, 8}, {19, 9}, {20, 9},
		{21, 10}, {22, 10}, {23, 11}, {24, 12}, {25, 13}, {27, 13}, {28, 14}, {99, 14}, {0, 3},
	} {
		if got := MinIR(c.opset); got != c.ir {
			t.Errorf("MinIR(%d) = %d, want %d", c.opset, got, c.ir)
		}
	}
	m := &Model{OpsetImport: []*OperatorSetId{{Domain: "ai.onnx", Version: 11}, {Version: 13}, {Domain: "x", Version: 2}}}
	if m.Opset("") != 13 || m.Opset("x") != 2 || m.Opset("y") != 0 {
		t.Error("Opset")
	}
}

// FuzzParse: what parses is written with exactly the measured size, and written again the same.
func FuzzParse(f *testing.F) {
	f.Add(valid)
	f.Add(nested(3))
	for _, s := range []string{"CAg6BgoECgF4Qg==", "Egdkcm9wcGVy"} {
		b, _ := base64.StdEncoding.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := string(data)
		m, err := Parse(data)
		if err != nil {
			if m != nil || strings.Contains(err.Error(), "bug") {
				t.Fatalf("%v with a model", err)
			}
			return
		}
		out := m.Marshal()
		if n := m.size(&encoder{}); n != len(out) {
			t.Fatalf("measured %d, wrote %d", n, len(out))
		}
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("what was written does not parse: %v", err)
		}
		if !bytes.Equal(again.Marshal(), out) {
			t.Fatal("the second writing differs")
		}
		if !bytes.Equal(bytes.Join(m.Segments(), nil), out) {
			t.Fatal("segments differ")
		}
		eachTensor(m, func(x *Tensor) { _, _ = x.Decode() })
		_ = Resolve(m, func(string) ([]byte, bool) { return []byte("0123456789"), true })
		m.Marshal()
		if string(data) != before {
			t.Fatal("the input was written into")
		}
	})
}
