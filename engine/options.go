package engine

import "dropquant/engine/dataset"

// Options says what to make. The zero value of a field is the recommended setting.
type Options struct {
	Target    string         `json:"target"`    // a name in target.Targets; "" is OpenVINO
	Preset    dataset.Preset `json:"preset"`    // how an image becomes the model's input; an empty Name takes the guess of Info
	Estimator string         `json:"estimator"` // a name in calib.Methods; "" is calib.Default
}

// DefaultImages is how many images calibrate a model unless the user says otherwise. More are
// sampled evenly: ranges settle after about a hundred.
const DefaultImages = 128

// Sample returns which of n images to use when at most limit are wanted: evenly spaced indices, in order.
func Sample(n, limit int) []int {
	if limit <= 0 {
		limit = DefaultImages
	}
	limit = min(n, limit)
	out := make([]int, limit)
	for i := range out {
		out[i] = i * n / limit
	}
	return out
}
