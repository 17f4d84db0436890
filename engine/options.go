package engine

import (
	"fmt"
	"slices"
	"strings"

	"dropquant/engine/calib"
	"dropquant/engine/dataset"
	"dropquant/engine/target"
)

// Options says what to make. The zero value of a field is the recommended setting.
type Options struct {
	Target     string         `json:"target"`               // a name in target.Targets; "" is DefaultTarget
	Preset     dataset.Preset `json:"preset"`               // how an image becomes the model's input; without a Name, Guess's
	Estimator  string         `json:"estimator"`            // a name in calib.Methods, or Auto; "" is calib.Default
	Percentile float64        `json:"percentile,omitempty"` // of the estimator of that name; 0 is its default
	CPU        string         `json:"cpu,omitempty"`        // AnyCPU or VNNI: which CPUs the file is for; "" is AnyCPU
	Exact      bool           `json:"exact,omitempty"`      // run without the transforms of exec.Options.Exact, slower
}

// The values of Options.CPU, which matter for the targets that run on x86 CPUs. There, without VNNI (most from before 2019), runtimes add
// int8 products two by two in int16.
const (
	AnyCPU = "any"  // weights are so rounded that no product overflows: the same integers on every CPU
	VNNI   = "vnni" // weights use all their codes: only for CPUs with VNNI, and those that are not x86
)

// CPUs lists the values of Options.CPU.
var CPUs = []string{AnyCPU, VNNI}

// Auto is the Estimator that tries several and keeps the one whose outputs are the closest, on a few of the images. It
// takes longer, and gains up to 1 dB (YOLOX-Nano for TensorRT) and often nothing.
const Auto = "auto"

// DefaultTarget is the target that most users of a CPU want.
const DefaultTarget = "openvino"

// DefaultImages is how many images calibrate a model unless the user says otherwise: ranges settle
// after about a hundred.
const DefaultImages = 128

// Sample returns which of n images to use when at most limit are wanted, DefaultImages when limit is 0: evenly
// spaced indices, in order.
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

// complete puts the recommended settings where there are none.
func (o Options) complete(m *Model) (Options, error) {
	if o.Target == "" {
		o.Target = DefaultTarget
	}
	if o.Estimator == "" {
		o.Estimator = calib.Default
	}
	if o.CPU == "" {
		o.CPU = AnyCPU
	}
	if !slices.Contains(CPUs, o.CPU) {
		return o, fmt.Errorf("no kind of CPU is called %q: use %s", o.CPU, strings.Join(CPUs, " or "))
	}
	if o.Preset.Name == "" {
		o.Preset, _ = m.Guess()
	}
	if err := o.Preset.Check(); err != nil {
		return o, err
	}
	return o, o.estimation().Check()
}

func (o Options) estimation() calib.Options { return calib.Options{Percentile: o.Percentile} }

func findTarget(name string) (*target.Target, error) {
	if name == "" {
		name = DefaultTarget
	}
	if t := target.ByName(name); t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("no target is called %q", name)
}

// forCPU returns t, or where that makes a difference t for every CPU.
func forCPU(t *target.Target, cpu string) *target.Target {
	if !t.Pairs || cpu != AnyCPU {
		return t
	}
	any := *t
	any.AnyCPU = true
	return &any
}
