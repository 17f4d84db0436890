package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
)

// number is a float64 that JSON can hold whatever it is: null for NaN, "inf"
// and "-inf" for infinities.
type number float64

func finite(x float64) bool { return x-x == 0 }

// MarshalJSON writes the number.
func (n number) MarshalJSON() ([]byte, error) {
	switch x := float64(n); {
	case math.IsNaN(x):
		return []byte("null"), nil
	case math.IsInf(x, 1):
		return []byte(`"inf"`), nil
	case math.IsInf(x, -1):
		return []byte(`"-inf"`), nil
	default:
		return json.Marshal(x)
	}
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (n *number) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "null":
		*n = number(math.NaN())
	case `"inf"`:
		*n = number(math.Inf(1))
	case `"-inf"`:
		*n = number(math.Inf(-1))
	default:
		var x float64
		if err := json.Unmarshal(b, &x); err != nil {
			return fmt.Errorf("%s is not a number: %w", b, err)
		}
		*n = number(x)
	}
	return nil
}

// The two types below shadow the fields that may hold any float.
type (
	plainReport Report
	plainLayer  Layer
)

type safeReport struct {
	*plainReport
	SQNR number `json:"sqnr"`
}

type safeLayer struct {
	*plainLayer
	Scale   number `json:"scale,omitempty"`
	Lo      number `json:"lo"`
	Hi      number `json:"hi"`
	Clipped number `json:"clipped"`
	SQNR    number `json:"sqnr"`
}

// MarshalJSON writes the report; NaN becomes null and an infinity "inf".
func (r Report) MarshalJSON() ([]byte, error) {
	if r.Layers == nil {
		r.Layers = []Layer{}
	}
	return json.Marshal(safeReport{(*plainReport)(&r), number(r.SQNR)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Report) UnmarshalJSON(b []byte) error {
	s := safeReport{plainReport: (*plainReport)(r)}
	err := json.Unmarshal(b, &s)
	r.SQNR = float64(s.SQNR)
	return err
}

// MarshalJSON writes the layer; NaN becomes null and an infinity "inf".
func (l Layer) MarshalJSON() ([]byte, error) {
	return json.Marshal(safeLayer{(*plainLayer)(&l), short(l.Scale), short(l.Lo), short(l.Hi), number(l.Clipped), number(l.SQNR)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *Layer) UnmarshalJSON(b []byte) error {
	s := safeLayer{plainLayer: (*plainLayer)(l)}
	err := json.Unmarshal(b, &s)
	l.Scale, l.Lo, l.Hi = float32(s.Scale), float32(s.Lo), float32(s.Hi)
	l.Clipped, l.SQNR = float64(s.Clipped), float64(s.SQNR)
	return err
}

// JSON writes the report, indented, and a newline.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// short returns the number whose shortest decimal form is that of a float32.
func short(x float32) number {
	if !finite(float64(x)) {
		return number(x)
	}
	f, err := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', -1, 32), 64)
	if err != nil {
		panic("bug: " + err.Error())
	}
	return number(f)
}
