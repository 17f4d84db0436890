package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"dropquant/engine"
	"dropquant/engine/intsim"
)

// traceFlags are the options of trace.
type traceFlags struct {
	engine.Element
	target, preset, ref string
	terms               int
	json                bool
}

func trace(args []string, out, log io.Writer) error {
	var f traceFlags
	fs := newFlags("trace", "MODEL IMAGE", "Shows how one number of a layer of MODEL, a file in integers, comes about for IMAGE: codes, products, sum, bias, scale and rounding, in the arithmetic of each runtime side by side.", log)
	fs.StringVar(&f.Layer, "layer", "", "name of a layer with weights, or of the value that leaves it")
	fs.IntVar(&f.Channel, "channel", 0, "output channel of the number")
	fs.IntVar(&f.Y, "y", 0, "its row")
	fs.IntVar(&f.X, "x", 0, "its column")
	fs.StringVar(&f.target, "target", "", "whose arithmetic: "+strings.Join(backendNames(), ", ")+"; all when empty")
	fs.StringVar(&f.preset, "preset", "", "how an image becomes the input, as in ptq; guessed from the model when empty")
	fs.StringVar(&f.ref, "ref", "", "the float model, for one more column")
	fs.IntVar(&f.terms, "terms", 8, "how many of the products to list; those that saturate come first")
	fs.BoolVar(&f.json, "json", false, "as JSON, with all products")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) != 2 || f.Layer == "" {
		fs.Usage()
		return usageError{errors.New("name a model, an image and a -layer")}
	}
	backends := engine.Backends
	if f.target != "" {
		if err := oneOf("target", f.target, backendNames()); err != nil {
			return err
		}
		backends = slices.DeleteFunc(slices.Clone(backends), func(b engine.Backend) bool { return b.Target != f.target })
	}
	t, err := f.run(rest[0], rest[1], backends, log)
	if err != nil {
		return err
	}
	if f.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(t)
	}
	return f.print(out, t)
}

func (f *traceFlags) run(model, image string, backends []engine.Backend, log io.Writer) (*engine.Trace, error) {
	m, err := loadAny(model)
	if err != nil {
		return nil, err
	}
	first, ref := m, (*engine.Model)(nil)
	if f.ref != "" {
		if ref, err = loadModel(f.ref); err != nil {
			return nil, err
		}
		first = ref
	}
	preset, err := choosePreset(first, f.preset, log)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(image)
	if err != nil {
		return nil, err
	}
	return engine.TraceModel(m, ref, backends, preset, engine.File{Name: filepath.ToSlash(image), Data: data}, f.Element)
}

// print writes the paths side by side: a row for each step that any of them has.
func (f *traceFlags) print(out io.Writer, t *engine.Trace) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, channel %d, row %d, column %d\n\n", t.Model, t.Value, t.Element.Channel, t.Element.Y, t.Element.X)
	row := func(title string, cell func(c *engine.Column) string) {
		fmt.Fprintf(&b, "%-18s", title)
		for i := range t.Columns {
			fmt.Fprintf(&b, "  %20s", cell(&t.Columns[i]))
		}
		b.WriteByte('\n')
	}
	row("", func(c *engine.Column) string { return c.Backend })
	row("kernel", func(c *engine.Column) string { return c.Kernel })
	for _, id := range t.Steps() {
		row(id, func(c *engine.Column) string {
			k := slices.IndexFunc(c.Steps, func(s intsim.Step) bool { return s.ID == id })
			if k < 0 {
				return ""
			}
			text := number(c.Steps[k].Value)
			if c.Differs == id {
				text = "≠ " + text
			}
			return text
		})
	}
	if slices.ContainsFunc(t.Columns, func(c engine.Column) bool { return c.Differs == "input" }) {
		b.WriteString("\nThese read other values than the first, since what comes before differs already:")
		for _, c := range t.Columns {
			if c.Differs == "input" {
				b.WriteString(" " + c.Backend + ".")
			}
		}
		b.WriteByte('\n')
	}
	for i := range t.Columns {
		f.printTerms(&b, &t.Columns[i])
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// printTerms lists some of the products of a column.
func (f *traceFlags) printTerms(b *strings.Builder, c *engine.Column) {
	if f.terms <= 0 || !c.Integer {
		return
	}
	fmt.Fprintf(b, "\n%s: %d products\n", c.Backend, len(c.Terms))
	left := f.terms
	line := func(i int) {
		t := c.Terms[i]
		where := fmt.Sprintf("[%d, %d, %d]", t.Channel, t.Y, t.X)
		if t.Padding {
			where = "padding"
		}
		fmt.Fprintf(b, "  %-16s %10.4g → %4d   ×   %10.4g → %4d   =   %d\n", where, t.Input, t.XCode, t.Weight, t.WCode, t.Product)
		left--
	}
	for _, p := range c.Pairs {
		if left < 2 {
			break
		}
		line(p.First)
		line(p.First + 1)
		fmt.Fprintf(b, "  %-16s %d does not fit 16 bits: %d\n", "", p.Exact, p.Got)
	}
	for i := 0; i < len(c.Terms) && left > 0 && len(c.Pairs) == 0; i++ {
		line(i)
	}
}

// number writes integers as such and reals with the digits of a float32.
func number(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', -1, 32)
}
