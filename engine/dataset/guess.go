package dataset

import (
	"fmt"
	"slices"
	"strings"

	"dropquant/engine/tensor"
)

// Facts is what a model's graph tells about the images it wants. Nothing in it
// comes from the file's name.
type Facts struct {
	Input    []int             `json:"input"`              // shape of the image input, unknown dimensions below one
	Outputs  [][]int           `json:"outputs"`            // shapes of the outputs in order, unknown dimensions below one
	Ops      map[string]int    `json:"ops,omitempty"`      // number of nodes of each type
	First    []string          `json:"first,omitempty"`    // types of the nodes that read the input
	Names    []string          `json:"names,omitempty"`    // of nodes, initializers and values, as many as there are
	Same     int               `json:"same,omitempty"`     // convolutions of stride 2 padded more at the end than at the start, or with auto_pad SAME_UPPER
	Producer string            `json:"producer,omitempty"` // name and version of the exporter
	Metadata map[string]string `json:"metadata,omitempty"`
}

// rules are tried in order; the first that gives a reason decides.
var rules = []struct {
	preset string
	reason func(f Facts, in Input) string // "" when it does not apply
}{
	{"nanodet", isNanoDet},
	{"ultralytics", isUltralytics},
	{"yolox", isYOLOX},
	{"cifar", isCIFAR},
	{"raw255", isNormalized},
	{"torchvision", isTorch},
	{"keras", isKeras},
	{"raw01", isGrey},
}

// Guess names the preset that a model most probably wants, and says why in a
// sentence. A model that takes no images gets "custom".
func Guess(f Facts) (preset, reason string) {
	in, err := InputOf(f.Input, 0)
	if err != nil {
		return "custom", err.Error()
	}
	for _, r := range rules {
		if reason := r.reason(f, in); reason != "" {
			return r.preset, reason
		}
	}
	return "torchvision", fmt.Sprintf("an input of %s and no sign of another convention: most such models were trained with ImageNet's mean and std", tensor.FormatShape(f.Input))
}

// cells returns the number of grid cells at strides 8, 16 and 32 (and up).
func cells(in Input, strides ...int) int {
	n := 0
	for _, s := range strides {
		n += (in.H + s - 1) / s * ((in.W + s - 1) / s)
	}
	return n
}

// isNanoDet looks for heads of 4 sides x 8 bins beside class scores: 32
// channels apart, or appended to the classes in the later versions.
func isNanoDet(f Facts, in Input) string {
	boxes := map[int]bool{}
	for _, s := range f.Outputs {
		if len(s) >= 2 && s[len(s)-1] == 32 {
			boxes[s[len(s)-2]] = true
		}
	}
	for _, s := range f.Outputs {
		if len(s) >= 2 && s[len(s)-1] != 32 && len(boxes) >= 3 && boxes[s[len(s)-2]] {
			return fmt.Sprintf("pairs of outputs with %d class scores and 4 x 8 distance bins per cell, as NanoDet's", s[len(s)-1])
		}
		if len(s) == 3 && in.H > 0 && s[2] == 80+32 && s[1] == cells(in, 8, 16, 32, 64) {
			return "one output with 80 class scores and 4 x 8 distance bins per cell, as NanoDet-Plus's"
		}
	}
	return ""
}

func isUltralytics(f Facts, in Input) string {
	if strings.Contains(strings.ToLower(f.Metadata["author"]+f.Metadata["description"]), "ultralytics") {
		return "its metadata says that Ultralytics exported it"
	}
	if len(f.Outputs) == 0 || len(f.Outputs[0]) != 3 || in.H == 0 {
		return ""
	}
	s, n := f.Outputs[0], cells(in, 8, 16, 32)
	switch {
	case s[1] == 3*n && s[2] > 5:
		return fmt.Sprintf("an output of 3 x %d cells with %d values each, as YOLOv5's three anchors", n, s[2])
	case s[2] == n && s[1] > 4 && s[1] < n:
		return fmt.Sprintf("an output of %d values for each of %d cells, as in YOLOv8 and later", s[1], n)
	}
	return ""
}

func isYOLOX(f Facts, in Input) string {
	if len(f.Outputs) != 1 || len(f.Outputs[0]) != 3 || in.H == 0 {
		return ""
	}
	if s, n := f.Outputs[0], cells(in, 8, 16, 32); s[1] == n && s[2] > 5 {
		return fmt.Sprintf("an output of %d cells at strides 8, 16 and 32 with box, objectness and %d classes, as YOLOX's", n, s[2]-5)
	}
	return ""
}

func isCIFAR(f Facts, in Input) string {
	if in.H == 32 && in.W == 32 && in.C == 3 {
		return "an input of 32 x 32 pixels, the size of CIFAR's images"
	}
	return ""
}

// isNormalized: arithmetic right at the input is a normalization inside the graph.
func isNormalized(f Facts, in Input) string {
	arithmetic := []string{"Sub", "Div", "Mul", "Add", "BatchNormalization"}
	if len(f.First) == 1 && slices.Contains(arithmetic, f.First[0]) && in.C == 3 {
		return fmt.Sprintf("the first node, a %s, normalizes the input inside the model", f.First[0])
	}
	return ""
}

// find returns the first name that contains one of the parts.
func find(names, parts []string) string {
	for _, n := range names {
		for _, p := range parts {
			if strings.Contains(strings.ToLower(n), p) {
				return n
			}
		}
	}
	return ""
}

// Names that the two families of frameworks give to modules and layers.
var (
	torchNames = []string{".0.weight", "layer1.0", "layer1/", "features.0", "blocks.0", "stages.0", "running_mean", "fc.weight", "classifier.weight", "head.weight"}
	kerasNames = []string{"conv_dw_", "conv_pw_", "conv2d_", "/conv2d", "conv2d/", "global_average_pooling2d", "batch_normalization", "depthwise_conv2d",
		"depthwise_kernel", "statefulpartitionedcall", "biasadd", "fusedbatchnorm", "readvariableop", "block_1_expand", "conv1_pad"}
	kerasTools = []string{"tf2onnx", "keras2onnx", "tensorflow-onnx", "jax2onnx"}
)

func isTorch(f Facts, in Input) string {
	if in.Last || in.C != 3 || find([]string{f.Producer}, kerasTools) != "" {
		return ""
	}
	if strings.HasPrefix(f.Producer, "pytorch") {
		return "exported by PyTorch: its classifiers are trained with ImageNet's mean and std"
	}
	if n := find(f.Names, torchNames); n != "" {
		return fmt.Sprintf("names in the manner of PyTorch, such as %q: its classifiers are trained with ImageNet's mean and std", n)
	}
	return ""
}

func isKeras(f Facts, in Input) string {
	if in.C != 3 {
		return ""
	}
	if t := find([]string{f.Producer}, kerasTools); t != "" {
		return fmt.Sprintf("written by %s, a converter for TensorFlow and Keras: most of their models read −1…1", t)
	}
	if n := find(f.Names, kerasNames); n != "" {
		return fmt.Sprintf("names in the manner of Keras, such as %q: most of its models read −1…1", n)
	}
	if in.Last {
		return "channels come last, as in TensorFlow and Keras: most of their models read −1…1"
	}
	if f.Same > 0 {
		return "strided convolutions padded more at the end than at the start, as TensorFlow and Keras do: most of their models read −1…1"
	}
	return ""
}

func isGrey(f Facts, in Input) string {
	if in.C == 1 {
		return "an input of one channel: grey levels of 0…1"
	}
	return ""
}
