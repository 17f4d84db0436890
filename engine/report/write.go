package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// CSV writes the layers, a header first. A number that is not known is an empty
// field, an infinite one "inf".
func (r *Report) CSV(w io.Writer) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"name", "op", "value", "dtype", "scale", "zero", "lo", "hi", "clipped", "sqnr_db", "method", "float",
		"own_sqnr_db", "total_sqnr_db", "rounding_sqnr_db", "weights", "cosine", "max_error", "clip", "lost", "used", "causes"}}
	for _, l := range r.Layers {
		row := []string{l.Name, l.Op, l.Value, l.DType, "", "", "", "", "", field(l.SQNR, 64), l.Method, l.Float}
		if l.Scale != 0 {
			row[4], row[5] = field(float64(l.Scale), 32), strconv.Itoa(int(l.Zero))
			row[6], row[7], row[8] = field(float64(l.Lo), 32), field(float64(l.Hi), 32), field(l.Clipped, 64)
		}
		rows = append(rows, append(row, l.detailFields()...))
	}
	return c.WriteAll(rows)
}

// detailFields returns the last columns of the CSV.
func (l *Layer) detailFields() []string {
	if l.Detail == nil {
		return make([]string, 10)
	}
	var out, causes []string
	d := l.Detail
	for _, x := range []float64{d.Own, d.Total, d.Rounding, d.Weights, d.Cosine, d.MaxError, d.Clip, d.Lost, d.Used} {
		out = append(out, field(x, 64))
	}
	for _, c := range l.Causes {
		causes = append(causes, c.Text)
	}
	return append(out, strings.Join(causes, "; "))
}

// field returns a number as short as its width in bits allows.
func field(x float64, bits int) string {
	switch {
	case math.IsNaN(x):
		return ""
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	return strconv.FormatFloat(x, 'g', -1, bits)
}

// Decibel returns a ratio as "31.2 dB", "no error" for +Inf or "not measured" for NaN.
func Decibel(db float64) string {
	switch {
	case math.IsNaN(db):
		return "not measured"
	case math.IsInf(db, 1):
		return "no error"
	}
	return fmt.Sprintf("%.1f dB", db)
}

// facts are the lines of the summary, title and text.
func (r *Report) facts() [][2]string {
	size := fmt.Sprintf("%d bytes from %d", r.SizeAfter, r.SizeBefore)
	if s := r.Smaller(); s > 0 {
		size += fmt.Sprintf(", %.2f times smaller", s)
	}
	out := [][2]string{
		{"model", r.Model},
		{"target", r.Target},
		{"preset", r.Preset},
		{"estimator", r.Estimator},
		{"size", size},
	}
	if r.Agree != NoAgreement {
		out = append(out, [2]string{"agreement", fmt.Sprintf("the same first answer on %d of %d images", r.Agree, r.Images)})
	}
	out = append(out, [2]string{"output", Decibel(r.SQNR) + " signal to noise"})
	for _, p := range r.Predictions {
		text := p.Backend() + ": "
		if !math.IsNaN(p.Agreement) {
			text += fmt.Sprintf("%.1f %% agreement, ", p.Agreement)
		}
		out = append(out, [2]string{"predicted", fmt.Sprintf("%s%s on %d images", text, Decibel(p.SQNR), p.Images)})
	}
	if r.MACs > 0 {
		out = append(out, [2]string{"in int8", fmt.Sprintf("%.1f %% of %d multiply-accumulates", 100*float64(r.Int8MACs)/float64(r.MACs), r.MACs)})
	}
	if n := len(r.Skipped); n > 0 {
		out = append(out, [2]string{"skipped", fmt.Sprintf("%d of %d images", n, n+r.Images)})
	}
	return out
}

// shown is how many layers the terminal names.
const shown = 5

// Text writes the summary for a terminal, the times, the layers that add the most error, and the warnings.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	for _, f := range r.facts() {
		fmt.Fprintf(&b, "%-10s %s\n", f[0], f[1])
	}
	for _, p := range r.Phases {
		fmt.Fprintf(&b, "%-10s %.1f s\n", p.Name, p.Seconds)
	}
	if loud := r.Loudest(shown); len(loud) > 0 {
		b.WriteString("layers that add the most error, alone and in the whole model:\n")
		for _, l := range loud {
			fmt.Fprintf(&b, "  %-28s %9s %9s\n", l.Name, Decibel(l.Detail.Own), Decibel(l.Detail.Total))
			for _, c := range l.Causes {
				fmt.Fprintf(&b, "      %s\n", c.Text)
			}
		}
	}
	for _, d := range r.Warnings {
		fmt.Fprintf(&b, "warning: %v\n", d)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Markdown writes the summary, the warnings, the images that were skipped and
// the layers.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, quantized\n\n| | |\n|---|---|\n", cell(r.Model))
	for _, f := range r.facts()[1:] {
		fmt.Fprintf(&b, "| %s | %s |\n", f[0], cell(f[1]))
	}
	if len(r.Warnings) > 0 {
		b.WriteString("\n## Warnings\n\n")
		for _, d := range r.Warnings {
			fmt.Fprintf(&b, "* %s\n", cell(d.String()))
		}
	}
	if len(r.Skipped) > 0 {
		b.WriteString("\n## Images skipped\n\n| image | why |\n|---|---|\n")
		for _, s := range r.Skipped {
			fmt.Fprintf(&b, "| %s | %s |\n", cell(s.Name), cell(s.Why))
		}
	}
	b.WriteString("\n## Layers\n\n| layer | operator | type | scale | zero | range | clipped | signal to noise | alone | why |\n|---|---|---|--:|--:|---|--:|--:|--:|---|\n")
	for _, l := range r.Layers {
		numbers := " | | | "
		if l.Scale != 0 {
			numbers = fmt.Sprintf("%.6g | %d | %.4g … %.4g | %.3f %%", l.Scale, l.Zero, l.Lo, l.Hi, 100*l.Clipped)
		}
		alone, why := "", l.Float
		if l.Detail != nil {
			alone = Decibel(l.Detail.Own)
		}
		for _, c := range l.Causes {
			why += "; " + c.Text
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", cell(l.Name), cell(l.Op), cell(l.DType), numbers, Decibel(l.SQNR), alone, cell(strings.TrimPrefix(why, "; ")))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// escapes make a name or sentence of the user's files plain text in a table.
var escapes = strings.NewReplacer("\r", " ", "\n", " ", "|", `\|`, `\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", "[", `\[`)

func cell(s string) string { return escapes.Replace(s) }
