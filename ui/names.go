package ui

import (
	"encoding/json"
	"path"
	"strconv"
	"strings"

	"dropquant/engine"
)

// outputName is the name of the quantized file: the source's, with the target it is for.
func outputName(model, target string) string {
	base := path.Base(model)
	if ext := path.Ext(base); strings.EqualFold(ext, ".onnx") {
		base = base[:len(base)-len(ext)]
	}
	return base + "." + target + ".int8.onnx"
}

// reportName is the name of the report beside that file.
func reportName(output string) string { return strings.TrimSuffix(output, ".onnx") + ".json" }

// formatName is the name of a file of another format beside that file: a second .onnx would take its name.
func formatName(output, format, suffix string) string {
	base := strings.TrimSuffix(output, ".onnx")
	if suffix == ".onnx" {
		base += "." + format
	}
	return base + suffix
}

// command is the line that does the same from a terminal.
func command(model, image string, o engine.Options, limit int) string {
	folder := "images"
	if dir, _, below := strings.Cut(image, "/"); below {
		folder = dir
	}
	words := []string{"dropquant", "ptq", model, folder, "-target", o.Target, "-images", strconv.Itoa(limit)}
	if o.CPU != "" && o.CPU != engine.AnyCPU {
		words = append(words, "-cpu", o.CPU)
	}
	if o.Estimator != "" {
		words = append(words, "-estimator", o.Estimator)
	}
	before := ""
	switch o.Preset.Name {
	case "":
	case "custom":
		preset, err := json.Marshal(o.Preset)
		if err != nil {
			panic("bug: a preset is not JSON: " + err.Error())
		}
		before = "echo " + quoted(string(preset)) + " > preset.json\n"
		words = append(words, "-preset", "preset.json")
	default:
		words = append(words, "-preset", o.Preset.Name)
	}
	for i, w := range words {
		words[i] = quoted(w)
	}
	return before + strings.Join(words, " ")
}

// quoted protects a word from the shell where it needs to be.
func quoted(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=+@") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
