package view

import (
	"strings"
	"testing"

	"dropquant/engine"
	"dropquant/engine/intsim"
)

// path is a column whose products are 6, −20 and 8, and whose sum is what is given.
func path(backend string, sum float64, differs string) engine.Column {
	return engine.Column{Differs: differs, Path: &intsim.Path{
		Backend: backend, Kernel: "QLinearConv", Integer: true,
		Terms: []intsim.Term{
			{Channel: 0, XCode: 2, WCode: 3, Product: 6, Input: 0.2, Weight: 0.3}, {Channel: 1, XCode: 4, WCode: -5, Product: -20},
			{Channel: 2, XCode: 4, WCode: 2, Product: 8}, {Channel: 3, XCode: 1, WCode: 1, Product: 1}, {Channel: 4, XCode: 1, WCode: 1, Product: 1},
		},
		Steps: []intsim.Step{{ID: intsim.StepProducts, Text: "sum of 5 products of codes", Value: -4}, {ID: intsim.StepSum, Text: "in 32 bits", Value: sum}},
	}}
}

func TestTrace(t *testing.T) {
	saturated := path("openvino avx2", 12345, intsim.StepSum)
	saturated.Pairs = []intsim.Pair{{First: 1, Exact: -34680, Got: -32768}}
	blocked := engine.Column{Path: &intsim.Path{Backend: "tensorrt"}, Blocked: "no such kernel"}
	html := Trace(engine.Trace{Value: "y", Columns: []engine.Column{path("openvino vnni", -4, ""), saturated, blocked}}, "a.jpg")
	for _, want := range []string{
		"CPU with VNNI", "CPU without VNNI", "channel 1, row 0, column 0</span>", "4 × −5", "−20", "The other products together", "12,345",
		"≠", "differs from here", "16 bits are too few for 1 sum of two products", "4 × −5 + 4 × 2 = −34,680, which becomes −32,768", "No such kernel.", "a.jpg",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the table lacks %q: %s", want, html)
		}
	}
	if n := strings.Count(html, "≠ </span>"); n != 1 {
		t.Errorf("%d cells are marked, want one", n)
	}
	if at, next := strings.Index(html, "channel 1,"), strings.Index(html, "channel 2,"); at < 0 || next < at {
		t.Error("the largest product is not the first")
	}
	// Four of the five products have a row; the last one, 1, is the rest.
	if _, rest, _ := strings.Cut(html, "The other products together</th>"); !strings.HasPrefix(rest, `<td class="r">1</td>`) {
		t.Errorf("the other products are %.40s", rest)
	}
}

// Where the inputs differ already, the first of the products that reads another one is marked, or the others together.
func TestTraceInput(t *testing.T) {
	shown, hidden := path("tensorrt", -4, "input"), path("onnxruntime vnni", -4, "input")
	shown.Terms[2].XCode, hidden.Terms[4].XCode = 5, 3
	for _, c := range []struct {
		column engine.Column
		row    string
	}{{shown, "channel 2, row 0"}, {hidden, "The other products together"}} {
		html := Trace(engine.Trace{Columns: []engine.Column{path("openvino vnni", -4, ""), c.column}}, "a.jpg")
		row, _, _ := strings.Cut(html[strings.Index(html, c.row):], "</tr>")
		if strings.Count(html, "≠ </span>") != 1 || !strings.Contains(row, "≠") {
			t.Errorf("%s: the row is %s", c.column.Backend, row)
		}
	}
}

func TestTraceNothingIsMarkup(t *testing.T) {
	const evil = `<img src=x>`
	c := path(evil, 1, "")
	c.Kernel, c.Steps[0].Text, c.Steps[1].ID = evil, evil, evil
	html := Trace(engine.Trace{Value: evil, Columns: []engine.Column{c, {Path: &intsim.Path{Backend: evil}, Blocked: evil}}}, evil)
	if strings.Contains(html, evil) || strings.Contains(html, "%!") {
		t.Errorf("a name became markup, or a format lacks its argument: %s", html)
	}
}
