package onnx

import (
	"bytes"
	"strings"
)

// A look is how files of some other kind begin.
type look struct {
	at     int
	magic  string
	advice string
}

const convert = ": convert it to ONNX with its framework's exporter"

// looks is tried in order.
var looks = []look{
	{0, "version https://git-lfs", "it is a Git LFS pointer, a note where the model should be: fetch the model itself with `git lfs pull`"},
	{0, "PK\x03\x04", "it is a zip archive, perhaps a PyTorch checkpoint (.pt, .pth) or Keras file: unpack it if a .onnx is inside, else export the model with torch.onnx.export"},
	{0, "\x80\x02", "it is a Python pickle, perhaps an old PyTorch checkpoint: export the model with torch.onnx.export"},
	{0, "\x80\x04", "it is a Python pickle: export the model to ONNX"},
	{4, "TFL3", "it is a TensorFlow Lite model: convert it with tf2onnx"},
	{4, "ORTM", "it is an ONNX Runtime .ort file: use the .onnx file that it was made from"},
	{0, "\x89HDF\r\n\x1a\n", "it is an HDF5 file, perhaps a Keras model: convert it with tf2onnx"},
	{0, "GGUF", "it is a GGUF model" + convert},
	{0, "\x93NUMPY", "it is a NumPy array: choose the model that goes with it"},
	{0, "\xff\xd8\xff", "it is a JPEG image: drop images together with a .onnx file"},
	{0, "\x89PNG\r\n\x1a\n", "it is a PNG image: drop images together with a .onnx file"},
	{0, "GIF8", "it is a GIF image: drop images together with a .onnx file"},
	{8, "WEBP", "it is a WebP image: drop images together with a .onnx file"},
	{0, "BM", "it looks like a BMP image: drop images together with a .onnx file"},
	{0, "\x1f\x8b", "it is a gzip archive: unpack it first"},
	{0, "7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive: unpack it first"},
	{0, "\xfd7zXZ\x00", "it is an xz archive: unpack it first"},
	{0, "\x28\xb5\x2f\xfd", "it is a Zstandard archive: unpack it first"},
	{257, "ustar", "it is a tar archive: unpack it first"},
	{0, "%PDF", "it is a PDF document: choose a .onnx file"},
	{0, "\x00asm", "it is a WebAssembly module: choose a .onnx file"},
	{8, "{\"", "it looks like a safetensors file, weights without a graph: export the model to ONNX with its framework"},
}

// texts are beginnings of text files, compared in lower case behind white space.
var texts = []struct{ prefix, advice string }{
	{"<!doctype html", "it is a web page, perhaps an error page in place of the download: download the model itself"},
	{"<html", "it is a web page, perhaps an error page in place of the download: download the model itself"},
	{"<?xml", "it is an XML file, perhaps an OpenVINO model: use the ONNX model that it was made from"},
	{"<net", "it is an OpenVINO model: use the ONNX model that it was made from"},
	{"{", "it is a JSON file: choose the .onnx file that goes with it"},
	{"[", "it is a JSON file: choose the .onnx file that goes with it"},
	{"#", "it is a text file: choose a .onnx file"},
	{"import ", "it is a program: run it to export the model"},
}

// sniff says what a file that is not ONNX looks like and what to do with it, or nothing.
func sniff(data []byte) string {
	for _, l := range looks {
		if len(data) >= l.at && bytes.HasPrefix(data[l.at:], []byte(l.magic)) {
			return l.advice
		}
	}
	head := strings.ToLower(string(bytes.TrimLeft(data[:min(len(data), 256)], "\xef\xbb\xbf \t\r\n")))
	for _, t := range texts {
		if strings.HasPrefix(head, t.prefix) {
			return t.advice
		}
	}
	return ""
}
