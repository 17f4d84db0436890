package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"
)

func TestHandler(t *testing.T) {
	dist := fstest.MapFS{
		"index.html":               {Data: []byte("page")},
		"index.html.br":            {Data: []byte("br")},
		"index.html.gz":            {Data: []byte("gz")},
		"sw.js":                    {Data: []byte("worker")},
		"app.0123456789.wasm":      {Data: []byte("wasm")},
		"samples/a.0123456789.jpg": {Data: []byte("jpg")},
		"secret":                   {Data: []byte("no type")},
	}
	for _, c := range []struct {
		method, path, accept          string
		status                        int
		body, kind, encoding, caching string
	}{
		{"GET", "/", "gzip, br", 200, "br", "text/html; charset=utf-8", "br", "no-cache"},
		{"GET", "/index.html", "gzip", 200, "gz", "text/html; charset=utf-8", "gzip", "no-cache"},
		{"GET", "/", "br;q=0, gzip;q=0.5", 200, "gz", "text/html; charset=utf-8", "gzip", "no-cache"},
		{"GET", "/", "", 200, "page", "text/html; charset=utf-8", "", "no-cache"},
		{"GET", "/sw.js", "br", 200, "worker", "text/javascript; charset=utf-8", "", "no-cache"},
		{"GET", "/app.0123456789.wasm", "br", 200, "wasm", "application/wasm", "", "public, max-age=31536000, immutable"},
		{"GET", "/samples/a.0123456789.jpg", "", 200, "jpg", "image/jpeg", "", "public, max-age=31536000, immutable"},
		{"HEAD", "/", "", 200, "", "text/html; charset=utf-8", "", "no-cache"},
		{"POST", "/", "", 405, "only GET and HEAD\n", "text/plain; charset=utf-8", "", ""},
		{"GET", "/missing.js", "", 404, "404 page not found\n", "text/plain; charset=utf-8", "", ""},
		{"GET", "/secret", "", 404, "404 page not found\n", "text/plain; charset=utf-8", "", ""},
		{"GET", "/../main.go", "", 404, "404 page not found\n", "text/plain; charset=utf-8", "", ""},
		{"GET", "/samples", "", 404, "404 page not found\n", "text/plain; charset=utf-8", "", ""},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header.Set("Accept-Encoding", c.accept)
		w := httptest.NewRecorder()
		handler(dist).ServeHTTP(w, r)
		h := w.Header()
		if w.Code != c.status || w.Body.String() != c.body || h.Get("Content-Type") != c.kind || h.Get("Content-Encoding") != c.encoding || h.Get("Cache-Control") != c.caching {
			t.Errorf("%s %s, accepting %q: %d %q %v", c.method, c.path, c.accept, w.Code, w.Body, h)
		}
		if c.status == http.StatusOK && h.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s %s: caches are not told that the answer depends on Accept-Encoding", c.method, c.path)
		}
	}
}

func TestIsStale(t *testing.T) {
	root := t.TempDir()
	old, built, later := time.Unix(1000, 0), time.Unix(2000, 0), time.Unix(3000, 0)
	put := func(name string, at time.Time) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"index.html", "go.mod", "build/main.go", "engine/engine.go", "ui/ui.go", "wasm/main.go"} {
		put(name, old)
	}
	dist := filepath.Join(root, "dist")
	check := func(what string, want bool) {
		t.Helper()
		got, err := isStale(root, dist)
		if err != nil || got != want {
			t.Errorf("%s: stale is %v, want %v (%v)", what, got, want, err)
		}
	}
	check("nothing built", true)
	put("dist/index.html", built)
	check("all older", false)
	put("engine/a_test.go", later)
	put("engine/testdata/a.golden", later)
	check("a newer test", false)
	put("engine/a.go", later)
	check("a newer source", true)
}
