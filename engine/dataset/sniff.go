package dataset

import (
	"bytes"
	"path"
	"strings"
)

// Format is what the first bytes of a file say it is.
type Format struct {
	Name   string // "JPEG", "HEIC", "PDF", …; empty when nothing is recognised
	Decode bool   // this package decodes it
	Advice string // what to do with a file that is not decoded
}

const convert = "convert it to JPEG or PNG"

// magics is tried in order; a prefix matches at its offset, without regard to
// case when it is text.
var magics = []struct {
	at     int
	prefix string
	format Format
}{
	{0, "\xff\xd8\xff", Format{"JPEG", true, ""}},
	{0, "\x89PNG\r\n\x1a\n", Format{"PNG", true, ""}},
	{0, "GIF87a", Format{"GIF", true, ""}},
	{0, "GIF89a", Format{"GIF", true, ""}},
	{8, "WEBP", Format{"WebP", true, ""}},
	{0, "BM", Format{"BMP", true, ""}},
	{0, "\x93NUMPY", Format{"NumPy", false, "read it as an array"}},
	{4, "ftypavif", Format{"AVIF", false, convert}},
	{4, "ftypavis", Format{"AVIF", false, convert}},
	{4, "ftyphe", Format{"HEIC", false, convert}},
	{4, "ftypmif1", Format{"HEIC", false, convert}},
	{4, "ftypmsf1", Format{"HEIC", false, convert}},
	{4, "ftypcrx", Format{"camera raw", false, convert}},
	{4, "ftyp", Format{"MP4 or QuickTime video", false, "save some of its frames as JPEG or PNG"}},
	{4, "moov", Format{"QuickTime video", false, "save some of its frames as JPEG or PNG"}},
	{8, "AVI ", Format{"AVI video", false, "save some of its frames as JPEG or PNG"}},
	{0, "\x1a\x45\xdf\xa3", Format{"Matroska or WebM video", false, "save some of its frames as JPEG or PNG"}},
	{0, "II*\x00", Format{"TIFF", false, convert}},
	{0, "MM\x00*", Format{"TIFF", false, convert}},
	{0, "II+\x00", Format{"TIFF", false, convert}},
	{0, "MM\x00+", Format{"TIFF", false, convert}},
	{0, "\x00\x00\x00\x0cjP  ", Format{"JPEG 2000", false, convert}},
	{0, "\xff\x4f\xff\x51", Format{"JPEG 2000", false, convert}},
	{0, "\x00\x00\x00\x0cJXL ", Format{"JPEG XL", false, convert}},
	{0, "\xff\x0a", Format{"JPEG XL", false, convert}},
	{0, "8BPS", Format{"Photoshop", false, convert}},
	{0, "\x00\x00\x01\x00", Format{"icon", false, convert}},
	{0, "%PDF-", Format{"PDF", false, "save its pages or pictures as JPEG or PNG"}},
	{0, "PK\x03\x04", Format{"ZIP archive", false, "unpack it and use the folder"}},
	{0, "version https://git-lfs", Format{"Git LFS pointer", false, "fetch the file it stands for with git lfs pull"}},
}

// Sniff recognises a file by its first bytes, never by its name.
func Sniff(data []byte) Format {
	for _, m := range magics {
		if len(data) >= m.at+len(m.prefix) && string(data[m.at:m.at+len(m.prefix)]) == m.prefix {
			return m.format
		}
	}
	head := bytes.ToLower(data[:min(len(data), 1024)])
	switch {
	case bytes.Contains(head, []byte("<svg")):
		return Format{"SVG", false, convert}
	case bytes.Contains(head, []byte("<html")) || bytes.Contains(head, []byte("<!doctype html")):
		return Format{"web page", false, "download the picture itself"}
	}
	return Format{}
}

// pictures holds the extensions that a folder's pictures have, those that are
// not decoded too: leaving them out silently would hide what to do.
var pictures = map[string]bool{
	".jpg": true, ".jpeg": true, ".jpe": true, ".jfif": true, ".png": true, ".apng": true, ".gif": true, ".bmp": true, ".dib": true,
	".webp": true, ".heic": true, ".heif": true, ".avif": true, ".tif": true, ".tiff": true, ".jp2": true, ".j2k": true, ".jxl": true, ".psd": true,
}

var junk = map[string]bool{"thumbs.db": true, "desktop.ini": true, "icon\r": true}

// IsJunk reports whether a path is a file that systems leave in folders:
// hidden files and folders, __MACOSX, Thumbs.db, .DS_Store.
func IsJunk(p string) bool {
	parts := strings.Split(strings.ReplaceAll(p, "\\", "/"), "/")
	for _, s := range parts {
		if s == "__MACOSX" || len(s) > 1 && s[0] == '.' && s != ".." {
			return true
		}
	}
	return junk[strings.ToLower(parts[len(parts)-1])]
}

// IsImageName reports whether a path of a dropped folder names a picture.
func IsImageName(p string) bool {
	return !IsJunk(p) && pictures[strings.ToLower(path.Ext(p))]
}

// IsSample reports whether a file of a dropped folder is an input for a
// network: a picture, a .npy array, or raw pixels of a known size.
func IsSample(p string, size int64) bool {
	return !IsJunk(p) && (IsImageName(p) || strings.EqualFold(path.Ext(p), ".npy") || isRaw(p, size))
}

// rawSide is the side of the square RGB images that are stored without a header.
const rawSide = 32

// isRaw reports whether a file can be 3072 bytes of pixels, as CIFAR images
// are often stored: [32, 32, 3] in a .bin file or one without an extension.
func isRaw(p string, size int64) bool {
	ext := strings.ToLower(path.Ext(p))
	return size == rawSide*rawSide*3 && (ext == ".bin" || ext == "")
}
