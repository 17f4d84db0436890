package main

import (
	"embed"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

// site serves the benchmark's page, its programs and the models on this machine.
type site struct {
	server *http.Server
	url    string
}

func newSite(b *bench) (*site, error) {
	program := filepath.Join(b.dir, "forward.wasm")
	if text, err := goTool(filepath.Join(b.root, "build", "bench"), []string{"GOOS=js", "GOARCH=wasm", "GOWASM="}, "build", "-o", program, "./forward"); err != nil {
		return nil, fmt.Errorf("the worker's program does not build: %w\n%s", err, text)
	}
	goroot, err := goTool(b.root, nil, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	static, err := fs.Sub(pageFiles, "page")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(static))
	for name, path := range map[string]string{
		"forward.wasm":         program,
		"wasm_exec.js":         filepath.Join(strings.TrimSpace(goroot), "lib", "wasm", "wasm_exec.js"),
		"shim.js":              filepath.Join(b.root, "wasm", "shim.js"),
		"kernels_relaxed.wasm": filepath.Join(b.root, "engine", "kernel", "wasmasm", "kernels_relaxed.wasm"),
		"kernels_simd.wasm":    filepath.Join(b.root, "engine", "kernel", "wasmasm", "kernels_simd.wasm"),
	} {
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) })
	}
	for _, name := range b.models {
		mux.HandleFunc("/models/"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, b.file(name)) })
	}
	mux.Handle("/quantized/", http.StripPrefix("/quantized/", http.FileServer(http.Dir(b.dir))))
	mux.Handle("/photos/", http.StripPrefix("/photos/", http.FileServer(http.Dir(filepath.Join(b.data, "imagenet")))))
	mux.Handle("/ort/", http.StripPrefix("/ort/", http.FileServer(http.Dir(runtimeDir()))))
	return serve(mux)
}

// serve serves a handler on any free port. The headers isolate the page, which gives its clocks their full resolution.
func serve(handler http.Handler) (*site, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	isolated := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
		w.Header().Set("Cache-Control", "no-cache")
		switch filepath.Ext(r.URL.Path) { // not every system's table knows them
		case ".wasm":
			w.Header().Set("Content-Type", "application/wasm")
		case ".js", ".mjs":
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		}
		handler.ServeHTTP(w, r)
	})
	s := &site{&http.Server{Handler: isolated, ReadHeaderTimeout: 10 * time.Second}, "http://" + listener.Addr().String() + "/"}
	go func() { _ = s.server.Serve(listener) }() // it returns when the site is closed
	return s, nil
}

func (s *site) close() { _ = s.server.Close() }

// goTool runs the go command in a folder and returns what it printed.
func goTool(dir string, env []string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	text, err := cmd.CombinedOutput()
	return string(text), err
}
