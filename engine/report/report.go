// Package report holds what quantizing a model gave, as numbers and sentences,
// and writes it as JSON, CSV, Markdown and plain text.
//
// The same model, images and options give the same bytes: times are not in
// the JSON, CSV and Markdown.
package report

// Report is the outcome of one job. Its field names in JSON are stable.
type Report struct {
	Model     string            `json:"model"`  // file name
	Hash      string            `json:"sha256"` // of the model file, in hexadecimal
	Version   string            `json:"version"`
	Target    string            `json:"target"`
	CPU       string            `json:"cpu,omitempty"` // kind of CPU that the file is for, where that makes a difference: "any" or "vnni"
	Preset    string            `json:"preset"`
	Estimator string            `json:"estimator"`
	Options   map[string]string `json:"options,omitempty"` // settings other than the recommended ones

	Images  int       `json:"images"` // used and compared
	Skipped []Skipped `json:"skipped,omitempty"`

	SizeBefore int64   `json:"size_before"` // bytes
	SizeAfter  int64   `json:"size_after"`
	Corrected  int     `json:"corrected,omitempty"` // layers whose bias was corrected for what rounding shifts
	MACs       int64   `json:"macs,omitempty"`      // multiply-accumulates for one sample
	Int8MACs   int64   `json:"int8_macs,omitempty"` // those of them that run in integers
	Agree      int     `json:"agree"`               // images for which both models give the same first answer, or NoAgreement
	SQNR       float64 `json:"sqnr"`                // decibels at the outputs: +Inf without any error, NaN when not measured

	Predictions []Score `json:"predictions,omitempty"` // for each kind of CPU that the target runs on, in its own arithmetic

	NotInt8 []NotInt8 `json:"not_int8,omitempty"` // nodes of the file that the runtime does not run in integers

	Layers   []Layer      `json:"layers"` // in the order they run
	Warnings []Diagnostic `json:"warnings,omitempty"`
	Phases   []Phase      `json:"-"`
}

// NoAgreement stands for the images that agree when the model gives no list of scores whose largest is an answer.
const NoAgreement = -1

// Layer is one value that was quantized, or one node that stays float.
type Layer struct {
	Name    string  `json:"name"` // of the node that computes the value
	Op      string  `json:"op"`
	Value   string  `json:"value,omitempty"`
	DType   string  `json:"dtype"`           // of the codes, or float32
	Scale   float32 `json:"scale,omitempty"` // 0 when it stays float
	Zero    int32   `json:"zero"`
	Lo      float32 `json:"lo"` // the range estimated
	Hi      float32 `json:"hi"`
	Clipped float64 `json:"clipped"`         // share of the values outside of it, 0…1
	SQNR    float64 `json:"sqnr"`            // decibels against the float model: +Inf without any error, NaN when not measured
	Float   string  `json:"float,omitempty"` // why it stays float
	Method  string  `json:"method,omitempty"`

	Detail *Detail `json:"detail,omitempty"` // nil for nodes that stay float
	Causes []Cause `json:"causes,omitempty"` // of its error, in the order of Rules
}

// NotInt8 is a node that the runtime does not run in integers, as the linter reads the file.
type NotInt8 struct {
	Name string `json:"name"`
	Op   string `json:"op"`
	Rule string `json:"rule"` // of the linter: the same for the same reason
	Why  string `json:"why"`
	MACs int64  `json:"macs,omitempty"`
}

// Skipped is an image that could not be used.
type Skipped struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Phase is how long a part of the job took.
type Phase struct {
	Name    string
	Seconds float64
}

// Smaller returns how many times smaller the file has become, 0 when unknown.
func (r *Report) Smaller() float64 {
	if r.SizeAfter == 0 {
		return 0
	}
	return float64(r.SizeBefore) / float64(r.SizeAfter)
}

// Notes returns the warnings as sentences.
func (r *Report) Notes() []string {
	var out []string
	for _, d := range r.Warnings {
		out = append(out, d.String())
	}
	return out
}
