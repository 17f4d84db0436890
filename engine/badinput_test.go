package engine

import (
	"errors"
	"io"
	"math"
	"math/rand"
	"strings"
	"testing"

	"dropquant/engine/dataset"
	"dropquant/engine/report"
	"dropquant/engine/target"
)

// TestModelsThatCannotBeUsed holds what a user is told.
func TestModelsThatCannotBeUsed(t *testing.T) {
	whole := fromText(t, tiny)
	noise := make([]byte, 4096)
	rand.New(rand.NewSource(1)).Read(noise)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty.onnx", nil, `"empty.onnx": the file is empty: export or download the model again`},
		{"cut.onnx", whole[:len(whole)/2], `"cut.onnx": the model is cut off after`},
		{"noise.onnx", noise, `"noise.onnx": not an ONNX model`},
		{"page.onnx", []byte("<!DOCTYPE html><html>"), `"page.onnx": not an ONNX model: `},
		{"two.onnx", fromText(t, "graph \"g\" opset 13\ninput a float32[1,3,8,8]\ninput b float32[1,3,8,8]\nadd: y = Add(a, b)\noutput y\n"),
			`"two.onnx": the model has 2 inputs, ["a" "b"]: only models with one input can be calibrated on images; make the others constants and export it again`},
		{"ids.onnx", fromText(t, "graph \"g\" opset 13\ninput a int64[1,8]\nn: y = Neg(a)\noutput y\n"),
			`"ids.onnx": the input "a" is int64: only float32 inputs can be calibrated; export the model with a float32 input`},
		{"done.onnx", fromText(t, "graph \"g\" opset 13\ninput a float32[1,3,8,8]\nconst s float32[] = {1}\nconst z uint8[] = {0}\nq: b = QuantizeLinear(a, s, z)\nd: y = DequantizeLinear(b, s, z)\noutput y\n"),
			`"done.onnx": the model is quantized already (node "q" is a QuantizeLinear): drop the float model it was made from`},
	} {
		m, err := Load(File{c.name, c.data}, nil)
		var f *FileError
		if m != nil || !errors.As(err, &f) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestUnsupportedOperators: what can be computed is quantized, what follows an unknown operator stays as it is, and all
// unknown operators are named at once.
func TestUnsupportedOperators(t *testing.T) {
	tail := strings.Replace(tiny, "output y float32[?,5]", "odd1: z = acme:Odd(y)\nodd2: u = acme:Strange(z)\noutput u", 1)
	tail = strings.Replace(tail, "opset 13", "opset 13, acme 1", 1)
	m := mustLoad(t, File{"tail.onnx", fromText(t, tail)})
	// What the unknown operator reads has a pair in a file for ONNX Runtime, since the sum before it is a unit.
	middle := strings.Replace(strings.Replace(tail, "flat: q = Flatten(p)", "odd0: q = acme:Odd(e)", 1), "relu2: e = Relu(a)", "relu2: e = Relu(a)\nconv3: h = Conv(e, w2)\noutput h", 1)
	for _, tg := range target.Targets {
		for _, m := range []*Model{m, mustLoad(t, File{"middle.onnx", fromText(t, middle)})} {
			r, err := Quantize(m, Options{Target: tg.Name}, arrays(3), 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			named := 0
			for _, d := range r.Report.Warnings {
				if d.ID == report.Unsupported {
					named++
				}
			}
			if named < 2 || r.Report.Int8MACs == 0 || r.Report.SQNR < 20 {
				t.Errorf("%s, %s: %+v", m.Name, tg.Name, r.Report)
			}
		}
	}
	if in := m.Info("", dataset.Preset{}); len(in.Unsupported) != 2 || in.Blocked != "" {
		t.Errorf("%+v", in)
	}

	// A known operator in a form that is not computed counts as unknown.
	bytes := strings.Replace(tiny, "output y float32[?,5]", "bytes: z = Cast(y) {to=2}\nneg: u = Neg(z)\noutput u", 1)
	r, err := Quantize(mustLoad(t, File{"bytes.onnx", fromText(t, bytes)}), Options{}, arrays(3), 1, nil)
	if err != nil || !has(r.Report, report.Unsupported) || r.Report.Int8MACs != r.Report.MACs {
		t.Errorf("%v, %+v", err, r)
	}

	head := strings.Replace(tiny, "conv1: c = Conv(x, w, b)", "odd1: z = acme:Odd(x)\nodd2: u = acme:Strange(z)\nconv1: c = Conv(u, w, b)", 1)
	head = strings.Replace(head, "opset 13", "opset 13, acme 1", 1)
	m = mustLoad(t, File{"head.onnx", fromText(t, head)})
	_, err = Quantize(m, Options{}, arrays(3), 1, nil)
	if err == nil || !strings.Contains(err.Error(), `"odd1"`) || !strings.Contains(err.Error(), `"odd2"`) {
		t.Errorf("%v", err)
	}
}

// TestTooLarge: a model that would not fit is refused before anything of that size is allocated.
func TestTooLarge(t *testing.T) {
	m := mustLoad(t, File{"wide.onnx", fromText(t, "graph \"g\" opset 13\ninput x float32[1,3,8000,8000]\nconst w float32[8,3,3,3] = seq\nconv: y = Conv(x, w)\noutput y\n")})
	if _, err := NewJob(m, Options{}); err == nil || !strings.Contains(err.Error(), "MB of memory") {
		t.Errorf("%v", err)
	}
}

func TestNoImages(t *testing.T) {
	m := mustLoad(t, File{"tiny.onnx", fromText(t, tiny)})
	if _, err := Quantize(m, Options{}, Images{}, 4, nil); err == nil || !strings.HasPrefix(err.Error(), "there are no images") {
		t.Errorf("%v", err)
	}
	bad := Images{Len: 3, Open: func(i int) (File, error) { return File{Name: "a.jpg"}, io.ErrUnexpectedEOF }}
	if _, err := Quantize(m, Options{}, bad, 2, nil); err == nil || !strings.HasPrefix(err.Error(), "none of the 3 images could be used; the first: ") {
		t.Errorf("%v", err)
	}
}

// TestNumbersThatAreNone: NaN and infinite weights and activations give a warning that names the place, and extreme ones no panic.
func TestNumbersThatAreNone(t *testing.T) {
	for _, c := range []struct{ number, id string }{
		{"NaN", report.BadWeight}, {"+Inf", report.BadWeight}, {"-Inf", report.BadWeight}, {"1e38", ""}, {"1e-45", ""},
	} {
		for name, text := range map[string]string{
			"bias":   strings.Replace(tiny, "const b float32[4] = {0.1 ", "const b float32[4] = {"+c.number+" ", 1),
			"weight": strings.Replace(tiny, "= {0.5 -1 ", "= {"+c.number+" -1 ", 1),
		} {
			if text == tiny {
				t.Fatal("the text of the model has changed")
			}
			r, err := Quantize(mustLoad(t, File{"m.onnx", fromText(t, text)}), Options{}, arrays(3), 1, nil)
			if err != nil {
				t.Errorf("%s of %s: %v", name, c.number, err)
			} else if has(r.Report, report.BadWeight) != (c.id != "") {
				t.Errorf("%s of %s: %v", name, c.number, r.Report.Warnings)
			}
		}
	}

	images := Images{Len: 2, Open: func(i int) (File, error) {
		values := make([]float32, 3*8*8)
		values[5], values[9] = float32(math.NaN()), float32(math.Inf(1-2*i))
		return npy("nan.npy", values, 1, 3, 8, 8), nil
	}}
	r, err := Quantize(mustLoad(t, File{"m.onnx", fromText(t, tiny)}), Options{}, images, 1, nil)
	if err != nil || !has(r.Report, report.BadRange) {
		t.Errorf("%v, %v", r, err)
	}
}
