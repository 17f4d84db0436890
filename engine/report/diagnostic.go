package report

import "fmt"

// Diagnostic is one thing about the result that the user should know.
type Diagnostic struct {
	ID   string `json:"id"`             // one of the constants below
	Node string `json:"node,omitempty"` // what it is about; "" for all
	Text string `json:"text"`           // a sentence without its period
}

// The kinds of Diagnostic. Pages and scripts tell them apart by these.
const (
	BadRange    = "bad-range"    // a value was never observed, always 0, or not finite
	BadWeight   = "bad-weight"   // a constant holds NaN or infinite elements
	Unsupported = "unsupported"  // a node cannot be computed here and stays float
	Widened     = "widened"      // the file is float16 or bfloat16 and was read as float32
	BiasRaised  = "bias-raised"  // weight scales were raised so that a bias fits int32
	FewImages   = "few-images"   // too few images to trust the ranges
	SkippedSome = "skipped"      // images could not be used
	Disagree    = "disagree"     // the first answer changes often
	NoisyOutput = "noisy-output" // the output is far from the float one
	Saturates   = "saturates"    // products can overflow on CPUs without VNNI
	NoisyLayer  = "noisy-layer"  // the layer that adds most of the error
)

// String returns the text, with the node in front.
func (d Diagnostic) String() string {
	if d.Node == "" {
		return d.Text
	}
	return fmt.Sprintf("%q: %s", d.Node, d.Text)
}

// Below these a Report warns.
const (
	enoughImages = 16   // ranges and agreement mean little with fewer
	goodAgree    = 0.95 // share of images
	goodSQNR     = 10   // decibels: a tenth of the signal's power is noise
	largeDrop    = 10   // decibels lost at one layer
	goodOwn      = 20   // decibels: a layer that leaves less on its own stands out
)

// Judge appends the warnings that the numbers of the report give rise to.
func (r *Report) Judge() {
	warn := func(id, node, format string, a ...any) {
		r.Warnings = append(r.Warnings, Diagnostic{id, node, fmt.Sprintf(format, a...)})
	}
	if n := len(r.Skipped); n > 0 {
		warn(SkippedSome, "", "%d of %d images could not be used; the first, %q: %s", n, n+r.Images, r.Skipped[0].Name, r.Skipped[0].Why)
	}
	if r.Images < enoughImages {
		warn(FewImages, "", "%d images are few to find the ranges of activations: about 100 are enough", r.Images)
	}
	if r.Images > 0 && r.Agree != NoAgreement && float64(r.Agree) < goodAgree*float64(r.Images) {
		warn(Disagree, "", "the first answer changes on %d of %d images: try another estimator, or images closer to those the model was trained on", r.Images-r.Agree, r.Images)
	}
	if r.SQNR < goodSQNR { // false for NaN
		warn(NoisyOutput, "", "the output is only %s above its quantization noise", Decibel(r.SQNR))
	}
	if loud := r.Loudest(1); len(loud) > 0 {
		if l := loud[0]; l.Detail.Own < goodOwn {
			why := ""
			if len(l.Causes) > 0 {
				why = ": " + l.Causes[0].Text
			}
			warn(NoisyLayer, l.Name, "adds the most error of all layers, %s on its own%s", Decibel(l.Detail.Own), why)
		}
	} else if l, drop := r.worst(); drop > largeDrop {
		warn(NoisyLayer, l.Name, "loses %s on its own, the most of all layers", Decibel(drop))
	}
}

// worst returns the layer whose SQNR falls the most below the lowest one before it, and by how much.
func (r *Report) worst() (layer Layer, drop float64) {
	low, any := 0.0, false
	for _, l := range r.Layers {
		if !finite(l.SQNR) {
			continue
		}
		if any && low-l.SQNR > drop {
			layer, drop = l, low-l.SQNR
		}
		if !any || l.SQNR < low {
			low, any = l.SQNR, true
		}
	}
	return layer, drop
}
