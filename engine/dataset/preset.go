package dataset

// Mode is how an image of any size becomes one of the network's.
type Mode string

// The modes.
const (
	Short     Mode = "short"     // scale until it covers Short/Crop of the input, then crop the centre
	Stretch   Mode = "stretch"   // to the input's size, without keeping the proportions
	Letterbox Mode = "letterbox" // scale until it fits, then pad
	Center    Mode = "center"    // crop the centre, never resize: images smaller than the input are refused
)

// Preset is a preprocessing, plain data that a page can show and send.
//
//	y = (x·Scale − Mean[c]) / Std[c]        x in 0…255, c counted in Order
//
// x·Scale being x divided by 1/Scale and rounded to float32, and the rest
// computed in float64 and rounded once: the bits of NumPy for an array of
// float32 with lists of numbers, and of Keras. PyTorch rounds every step.
//
// Sizes are written for the input the preset was published with and follow the
// model's: torchvision's 256 → 224 is 342 → 299 for an input of 299.
type Preset struct {
	Name  string `json:"name"`
	Title string `json:"title"`

	Mode   Mode   `json:"mode"`
	Filter Filter `json:"filter,omitempty"`
	Short  int    `json:"short,omitempty"`  // Mode Short: the short side before cropping, for an input of Crop
	Crop   int    `json:"crop"`             // the input's side where the model leaves it open
	Pad    uint8  `json:"pad,omitempty"`    // Mode Letterbox: the grey level around the image
	Middle bool   `json:"middle,omitempty"` // Mode Letterbox: pads both sides and rounds, not right and bottom and truncates

	Order string     `json:"order"` // "RGB" or "BGR"
	Scale float64    `json:"scale"`
	Mean  [3]float64 `json:"mean"`
	Std   [3]float64 `json:"std"`

	Raw bool `json:"raw,omitempty"` // also reads 3072-byte files of 32x32 RGB pixels
}

var (
	imageNetMean = [3]float64{0.485, 0.456, 0.406}
	imageNetStd  = [3]float64{0.229, 0.224, 0.225}
	ones         = [3]float64{1, 1, 1}
)

// Presets lists the known preprocessings, the most usual first. "custom" is a
// start for the user's own numbers.
var Presets = []Preset{
	{ // torchvision.transforms._presets.ImageClassification
		Name: "torchvision", Title: "ImageNet, PyTorch (mean and std)",
		Mode: Short, Short: 256, Crop: 224, Order: "RGB", Scale: 1. / 255, Mean: imageNetMean, Std: imageNetStd,
	},
	{ // keras.applications, preprocess_input mode "tf": x /= 127.5, x -= 1
		Name: "keras", Title: "ImageNet, Keras (−1…1)",
		Mode: Short, Short: 256, Crop: 224, Order: "RGB", Scale: 1 / 127.5, Mean: ones, Std: ones,
	},
	{
		Name: "raw01", Title: "0…1, centre crop",
		Mode: Short, Short: 256, Crop: 224, Order: "RGB", Scale: 1. / 255, Std: ones,
	},
	{ // the network normalizes its input itself
		Name: "raw255", Title: "0…255, centre crop",
		Mode: Short, Short: 256, Crop: 224, Order: "RGB", Scale: 1, Std: ones,
	},
	{ // YOLOX, yolox/data/data_augment.py, preproc
		Name: "yolox", Title: "YOLOX (letterbox, BGR 0…255)",
		Mode: Letterbox, Crop: 416, Pad: 114, Order: "BGR", Scale: 1, Std: ones,
	},
	{ // NanoDet, config/nanodet_m.yml: zeros are padded before mean and std
		Name: "nanodet", Title: "NanoDet (letterbox, BGR, mean and std)",
		Mode: Letterbox, Crop: 320, Order: "BGR", Scale: 1, Mean: [3]float64{103.53, 116.28, 123.675}, Std: [3]float64{57.375, 57.12, 58.395},
	},
	{ // ultralytics/data/augment.py, LetterBox
		Name: "ultralytics", Title: "YOLOv5 and later, Ultralytics (letterbox, 0…1)",
		Mode: Letterbox, Crop: 640, Pad: 114, Middle: true, Order: "RGB", Scale: 1. / 255, Std: ones,
	},
	{
		Name: "cifar", Title: "CIFAR (32 x 32, mean and std)",
		Mode: Short, Short: 32, Crop: 32, Order: "RGB", Scale: 1. / 255, Mean: imageNetMean, Std: imageNetStd, Raw: true,
	},
	{
		Name: "custom", Title: "Custom",
		Mode: Stretch, Crop: 224, Order: "RGB", Scale: 1. / 255, Std: ones,
	},
}

// FindPreset returns the preset of a name.
func FindPreset(name string) (Preset, bool) {
	for _, p := range Presets {
		if p.Name == name {
			return p, true
		}
	}
	return Preset{}, false
}
