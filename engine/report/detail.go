package report

import (
	"encoding/json"
)

// Detail is what a few images show of one layer. Errors are of the layer's value: after the activation that its kernel applies,
// and after rounding, where the value is rounded.
type Detail struct {
	Own      float64  `json:"own_sqnr"`         // decibels, of the layer alone, fed with the float model's activations: the error that it adds itself
	Total    float64  `json:"total_sqnr"`       // decibels, in the whole quantized model on the same images: what it adds and what it inherits
	Rounding float64  `json:"rounding_sqnr"`    // decibels, of rounding the value alone
	Weights  float64  `json:"weights"`          // share of the own error that goes when the weights are left in float, 0…1; NaN without weights
	Cosine   float64  `json:"cosine"`           // between the float model's value and the quantized one's, in the whole model
	MaxError float64  `json:"max_error"`        // the largest difference, in the whole model
	RMS      float64  `json:"rms"`              // root mean square of the float model's value
	Clip     float64  `json:"clip"`             // share of the rounding error that elements beyond the codes make, 0…1
	Lost     float64  `json:"lost"`             // share of the elements other than 0 that become 0
	Used     float64  `json:"used"`             // share of the codes that lie within the values seen
	Inputs   []string `json:"inputs,omitempty"` // values of the layers that it reads

	Channels       Spread  `json:"channels"`             // of the value
	WeightChannels Spread  `json:"weight_channels"`      // of the weights, along their output channels
	PerChannel     bool    `json:"per_channel"`          // each output channel of the weights has its scale
	Depthwise      bool    `json:"depthwise"`            // a depthwise convolution reads the value: every channel counts for itself there
	Tied           string  `json:"tied,omitempty"`       // the value of the widest range among those that share its scale, other than it
	TiedTimes      float64 `json:"tied_times,omitempty"` // how many times wider that range is
	Unsigned       bool    `json:"unsigned"`             // no value seen is negative

	Saturated *Saturation `json:"saturated,omitempty"` // on CPUs without VNNI; nil when not counted
}

// Spread tells how far the largest channel stands out. The size of a channel is its largest magnitude.
type Spread struct {
	Count  int     `json:"count"`  // channels; 0 when the value has none
	Widest int     `json:"widest"` // index of the channel of the largest size
	Max    float64 `json:"max"`    // its size
	Median float64 `json:"median"` // the size of the median channel
}

// Times returns how many times larger the widest channel is than the median one; 0 when unknown.
func (s Spread) Times() float64 {
	if s.Count == 0 || !(s.Median > 0) {
		return 0
	}
	return s.Max / s.Median
}

// Saturation counts the values of a layer that come out wrong because sums of two products do not fit 16 bits.
type Saturation struct {
	Channels int   `json:"channels"` // output channels with any
	Hits     int64 `json:"hits"`     // values an image
}

// MarshalJSON writes the detail; NaN becomes null and an infinity "inf".
func (d Detail) MarshalJSON() ([]byte, error) {
	type plain Detail
	return json.Marshal(struct {
		plain
		Own      number `json:"own_sqnr"`
		Total    number `json:"total_sqnr"`
		Rounding number `json:"rounding_sqnr"`
		Weights  number `json:"weights"`
	}{plain(d), number(d.Own), number(d.Total), number(d.Rounding), number(d.Weights)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Detail) UnmarshalJSON(b []byte) error {
	type plain Detail
	var s struct {
		*plain
		Own      number `json:"own_sqnr"`
		Total    number `json:"total_sqnr"`
		Rounding number `json:"rounding_sqnr"`
		Weights  number `json:"weights"`
	}
	s.plain = (*plain)(d)
	err := json.Unmarshal(b, &s)
	d.Own, d.Total, d.Rounding, d.Weights = float64(s.Own), float64(s.Total), float64(s.Rounding), float64(s.Weights)
	return err
}
