package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// parts are the pieces that both artefacts are made of.
type parts struct {
	html    string // index.html
	app     []byte // the script of page and workers
	wasm    []byte // the Go program
	kernels []file // kernels_*.wasm
	icon    []byte
	worker  []byte // the service worker, with its blanks
	samples []sample
	shipped []file // what the samples consist of, and the list of authors
}

// file is a file by the name that the page uses.
type file struct {
	name string
	data []byte
}

// compile builds the Go program and collects the sources beside it.
func compile(root string) (*parts, error) {
	p := &parts{}
	for _, part := range []struct {
		path string
		to   func([]byte)
	}{
		{"index.html", func(b []byte) { p.html = string(b) }},
		{"build/assets/icon.svg", func(b []byte) { p.icon = bytes.TrimSpace(b) }},
		{"build/assets/sw.js", func(b []byte) { p.worker = b }},
	} {
		data, err := os.ReadFile(filepath.Join(root, part.path))
		if err != nil {
			return nil, err
		}
		part.to(data)
	}
	var err error
	if p.wasm, err = compileGo(root); err != nil {
		return nil, err
	}
	if p.app, err = script(root); err != nil {
		return nil, err
	}
	p.kernels, err = kernels(root)
	return p, err
}

// compileGo builds the program of page and workers. Nothing of this machine gets into it: no paths, no version control, no build id.
func compileGo(root string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "dropquant-build")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "dropquant.wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", out, "./wasm")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOWASM=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the wasm program does not build: %w\n%s", err, text)
	}
	return os.ReadFile(out)
}

// script joins Go's loader, which must come from the compiler that built the program, with ours.
func script(root string) ([]byte, error) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	var all bytes.Buffer
	for _, path := range []string{
		filepath.Join(strings.TrimSpace(string(goroot)), "lib", "wasm", "wasm_exec.js"),
		filepath.Join(root, "wasm", "shim.js"),
		filepath.Join(root, "wasm", "worker.js"),
		filepath.Join(root, "wasm", "boot.js"),
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		all.Write(data)
		all.WriteByte('\n')
	}
	if bytes.Contains(bytes.ToLower(all.Bytes()), []byte("</script")) {
		return nil, fmt.Errorf("a script contains the text </script, which would end it inside the single-file page")
	}
	return all.Bytes(), nil
}

// kernels reads the modules of computing kernels.
func kernels(root string) ([]file, error) {
	paths, err := filepath.Glob(filepath.Join(root, "engine", "kernel", "wasmasm", "kernels_*.wasm"))
	if err != nil {
		return nil, err
	}
	var list []file
	for _, path := range paths { // Glob sorts
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		list = append(list, file{filepath.Base(path), data})
	}
	return list, nil
}
