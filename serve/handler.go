package main

import (
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// types are the media types of what the build writes. The system's table is not asked: browsers refuse to compile WebAssembly of
// another type, and some systems have wrong ones.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".wasm": "application/wasm", ".svg": "image/svg+xml",
	".webmanifest": "application/manifest+json", ".jpg": "image/jpeg", ".csv": "text/csv; charset=utf-8", ".onnx": "application/octet-stream",
}

// hashedName matches names with a hash of the content in them: what is under such a name never changes.
var hashedName = regexp.MustCompile(`\.[0-9a-f]{10}\.[a-z]+$`)

// encodings are the precompressed forms, the smaller first.
var encodings = []struct{ name, ext string }{{"br", ".br"}, {"gzip", ".gz"}}

// handler serves the files of dist.
func handler(dist fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if name == "" || name == "." {
			name = "index.html"
		}
		kind, known := types[path.Ext(name)]
		if !known || !fs.ValidPath(name) {
			http.NotFound(w, r)
			return
		}
		data, encoding, err := read(dist, name, r.Header.Get("Accept-Encoding"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Content-Length", strconv.Itoa(len(data)))
		h.Set("Vary", "Accept-Encoding")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Embedder-Policy", "require-corp")
		if encoding != "" {
			h.Set("Content-Encoding", encoding)
		}
		h.Set("Cache-Control", "no-cache")
		if hashedName.MatchString(name) {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		if r.Method == http.MethodGet {
			_, _ = w.Write(data) // the browser may have gone away
		}
	})
}

// read returns a file in the smallest form that was built and the browser accepts.
func read(dist fs.FS, name, accept string) (data []byte, encoding string, err error) {
	for _, e := range encodings {
		if accepts(accept, e.name) {
			if data, err := fs.ReadFile(dist, name+e.ext); err == nil {
				return data, e.name, nil
			}
		}
	}
	data, err = fs.ReadFile(dist, name)
	return data, "", err
}

// accepts reads an Accept-Encoding header.
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), encoding) {
			q := strings.ReplaceAll(strings.ToLower(quality), " ", "")
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}
