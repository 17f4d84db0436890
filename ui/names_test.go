package ui

import (
	"testing"

	"dropquant/engine"
	"dropquant/engine/dataset"
)

func TestNames(t *testing.T) {
	for _, c := range []struct{ model, want string }{
		{"mobilenet_v2.onnx", "mobilenet_v2.openvino.int8.onnx"},
		{"net/Model.ONNX", "Model.openvino.int8.onnx"},
		{"a.b", "a.b.openvino.int8.onnx"},
	} {
		if got := outputName(c.model, "openvino"); got != c.want {
			t.Errorf("%s becomes %s, want %s", c.model, got, c.want)
		}
	}
	if got := reportName("m.openvino.int8.onnx"); got != "m.openvino.int8.json" {
		t.Errorf("the report is called %s", got)
	}
}

func TestFormatName(t *testing.T) {
	for suffix, want := range map[string]string{".onnx": "m.openvino.int8.fakequantize.onnx", ".xml": "m.openvino.int8.xml", ".encodings.json": "m.openvino.int8.encodings.json"} {
		if got := formatName("m.openvino.int8.onnx", "fakequantize", suffix); got != want {
			t.Errorf("%s gives %s, want %s", suffix, got, want)
		}
	}
}

func TestCommand(t *testing.T) {
	custom := dataset.Preset{Name: "custom", Mode: dataset.Stretch, Crop: 224, Order: "RGB", Scale: 1}
	for _, c := range []struct {
		model, image string
		options      engine.Options
		want         string
	}{
		{"m.onnx", "photos/a.jpg", engine.Options{Target: "tensorrt", Preset: dataset.Preset{Name: "keras"}, Estimator: "mse"},
			"dropquant ptq m.onnx photos -target tensorrt -images 128 -estimator mse -preset keras"},
		{"m.onnx", "photos/a.jpg", engine.Options{Target: "openvino", CPU: engine.VNNI},
			"dropquant ptq m.onnx photos -target openvino -images 128 -cpu vnni"},
		{"my model.onnx", "a.jpg", engine.Options{Target: "openvino", CPU: engine.AnyCPU, Preset: dataset.Preset{Name: "torchvision"}},
			"dropquant ptq 'my model.onnx' images -target openvino -images 128 -preset torchvision"},
		{"m.onnx", "it's/a.jpg", engine.Options{Target: "openvino", Preset: custom},
			`echo '{"name":"custom","title":"","mode":"stretch","crop":224,"order":"RGB","scale":1,"mean":[0,0,0],"std":[0,0,0]}' > preset.json` + "\n" +
				`dropquant ptq m.onnx 'it'\''s' -target openvino -images 128 -preset preset.json`},
	} {
		if got := command(c.model, c.image, c.options, 128); got != c.want {
			t.Errorf("command(%s, %s):\n got %s\nwant %s", c.model, c.image, got, c.want)
		}
	}
}
