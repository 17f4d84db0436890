package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// What npm installs: ONNX Runtime Web of one version, and the hashes of it and of all that it needs.
var (
	//go:embed package.json
	packageJSON []byte
	//go:embed package-lock.json
	packageLock []byte
)

// cacheDir is where ONNX Runtime Web is kept between runs.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "dropquant-bench")
}

// runtimeDir holds ONNX Runtime Web's scripts and modules, once it is installed.
func runtimeDir() string { return filepath.Join(cacheDir(), "node_modules", "onnxruntime-web", "dist") }

// installRuntime installs ONNX Runtime Web, if what is there is not of this lock file.
func installRuntime() error {
	dir := cacheDir()
	lock := filepath.Join(dir, "package-lock.json")
	if have, err := os.ReadFile(lock); err == nil && string(have) == string(packageLock) {
		if _, err := os.Stat(runtimeDir()); err == nil {
			return nil
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), packageJSON, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(lock, packageLock, 0o644); err != nil {
		return err
	}
	fmt.Println("installing ONNX Runtime Web into", dir)
	cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		_ = os.Remove(lock) // so that the next run tries again
		return fmt.Errorf("npm cannot install ONNX Runtime Web: %w\n%s", err, text)
	}
	return nil
}
