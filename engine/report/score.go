package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// Score is how well one model file does in the arithmetic of one backend. Its field names in JSON are stable.
type Score struct {
	Model     string    `json:"model"`             // file name
	Target    string    `json:"target"`            // the backend
	ISA       string    `json:"isa,omitempty"`     // the kind of CPU, where the backend's arithmetic depends on it
	Blocked   string    `json:"blocked,omitempty"` // why the backend cannot run it, and nothing below is known
	Images    int       `json:"images"`            // inputs scored: a file may hold several
	Skipped   []Skipped `json:"skipped,omitempty"`
	Top1      float64   `json:"top1"`             // percent of the images whose first answer is their label; NaN without labels
	Top5      float64   `json:"top5"`             // percent of the images whose label is among the first five answers
	Agreement float64   `json:"agreement"`        // percent of the images with the first answer of the reference; NaN without one
	SQNR      float64   `json:"sqnr"`             // decibels of all outputs against the reference's
	Differ    []string  `json:"differ,omitempty"` // images with another first answer than the reference's, in their order
	First     []int     `json:"-"`                // index of the first answer to each input, in the order of the images; nil when a model does not give one list of scores
}

// MarshalJSON writes the score; NaN becomes null and an infinity "inf".
func (s Score) MarshalJSON() ([]byte, error) {
	type plain Score
	return json.Marshal(struct {
		plain
		Top1      number `json:"top1"`
		Top5      number `json:"top5"`
		Agreement number `json:"agreement"`
		SQNR      number `json:"sqnr"`
	}{plain(s), number(s.Top1), number(s.Top5), number(s.Agreement), number(s.SQNR)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Score) UnmarshalJSON(b []byte) error {
	type plain Score
	nan := number(math.NaN())
	safe := struct {
		*plain
		Top1      number `json:"top1"`
		Top5      number `json:"top5"`
		Agreement number `json:"agreement"`
		SQNR      number `json:"sqnr"`
	}{(*plain)(s), nan, nan, nan, nan}
	err := json.Unmarshal(b, &safe)
	s.Top1, s.Top5, s.Agreement, s.SQNR = float64(safe.Top1), float64(safe.Top5), float64(safe.Agreement), float64(safe.SQNR)
	return err
}

// Backend returns the target with the kind of CPU, as in "openvino avx2".
func (s *Score) Backend() string {
	if s.ISA == "" {
		return s.Target
	}
	return s.Target + " " + s.ISA
}

// WriteScores writes scores as a table for a terminal, with the columns that any of them has.
func WriteScores(w io.Writer, scores []Score) error {
	columns := []struct {
		title string
		of    func(*Score) float64
		cell  func(float64) string
	}{
		{"top-1", func(s *Score) float64 { return s.Top1 }, percent},
		{"top-5", func(s *Score) float64 { return s.Top5 }, percent},
		{"agreement", func(s *Score) float64 { return s.Agreement }, percent},
		{"signal to noise", func(s *Score) float64 { return s.SQNR }, Decibel},
	}
	wide, arithmetic := len("model"), len("arithmetic")
	known := make([]bool, len(columns))
	for i := range scores {
		s := &scores[i]
		wide, arithmetic = max(wide, len(s.Model)), max(arithmetic, len(s.Backend()))
		for k, c := range columns {
			known[k] = known[k] || !math.IsNaN(c.of(s))
		}
	}
	line := func(model, backend, images string, cell func(k int) string) error {
		text := fmt.Sprintf("%-*s  %-*s  %6s", wide, model, arithmetic, backend, images)
		for k := range columns {
			if known[k] {
				text += fmt.Sprintf("  %15s", cell(k))
			}
		}
		_, err := fmt.Fprintln(w, text)
		return err
	}
	if err := line("model", "arithmetic", "images", func(k int) string { return columns[k].title }); err != nil {
		return err
	}
	for i := range scores {
		s := &scores[i]
		if err := line(s.Model, s.Backend(), fmt.Sprint(s.Images), func(k int) string { return columns[k].cell(columns[k].of(s)) }); err != nil {
			return err
		}
	}
	return nil
}

func percent(x float64) string {
	if math.IsNaN(x) {
		return ""
	}
	return fmt.Sprintf("%.2f %%", x)
}
