package engine_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers is the architecture: what each package of the engine may import of the others. A package
// that is missing here fails the test, so does an import that is not listed.
var layers = map[string][]string{
	"tensor":                 {},
	"quant":                  {"kernel", "tensor"},
	"onnx":                   {"tensor"},
	"kernel/wasmasm":         {},
	"kernel/wasmasm/kernels": {"kernel/wasmasm"},
	"dataset/jpeg":           {},
	"kernel":                 {"kernel/wasmasm"},
	"observe":                {"kernel"},
	"graph":                  {"onnx", "tensor"},
	"calib":                  {"observe", "quant", "tensor"},
	"op":                     {"graph", "kernel", "quant", "tensor"},
	"exec":                   {"graph", "kernel", "op", "quant", "tensor"},
	"pass":                   {"exec", "graph", "op", "quant", "tensor"},
	"target":                 {"graph", "kernel", "op", "pass", "quant", "tensor"},
	"intsim":                 {"exec", "graph", "kernel", "op", "quant", "target", "tensor"},
	"tune":                   {"graph", "kernel", "quant", "target", "tensor"},
	"export":                 {"graph", "onnx", "op", "quant", "tensor"},
	"dataset":                {"dataset/jpeg", "tensor"},
	"eval":                   {"tensor"},
	"report":                 {},
	"engine":                 {"calib", "dataset", "eval", "exec", "export", "graph", "intsim", "kernel", "observe", "onnx", "op", "pass", "quant", "report", "target", "tensor", "tune"},
	"onnxgo":                 {"exec", "graph", "op", "tensor"},
	"cmd/dropquant":          {"engine", "calib", "dataset", "intsim", "report", "target"},
	"internal/randmodel":     {"graph", "tensor"},
	"internal/testdata":      {},
}

// forbidden standard packages: the engine runs the same in a terminal and in a browser, and gives the
// same bytes at any time.
var forbidden = []string{"os", "net", "net/http", "time", "math/rand", "math/rand/v2", "syscall/js", "log", "log/slog"}

// free may use what the rest may not: the terminal program, and the finder of test data.
var free = []string{"cmd/dropquant", "internal/testdata"}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" && path != "internal/testdata" {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		pkg := filepath.ToSlash(filepath.Dir(path))
		if pkg == "." {
			pkg = "engine"
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		if file.Name.Name == "main" && pkg != "cmd/dropquant" { // a generator beside the package
			return nil
		}
		allowed, known := layers[pkg]
		if !known {
			t.Errorf("package %s is not in the table of layers", pkg)
			return nil
		}
		seen[pkg] = true
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			inner, ours := strings.CutPrefix(name, "dropquant/engine")
			inner = strings.TrimPrefix(inner, "/")
			if inner == "" {
				inner = "engine"
			}
			switch {
			case ours && !slices.Contains(allowed, inner):
				t.Errorf("%s imports %s: allowed are %v", path, name, allowed)
			case !ours && strings.HasPrefix(name, "dropquant/"):
				t.Errorf("%s imports %s, which lies above the engine", path, name)
			case slices.Contains(forbidden, name) && !slices.Contains(free, pkg):
				t.Errorf("%s imports %s", path, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range layers {
		if !seen[pkg] {
			t.Errorf("the table of layers names %s, which does not exist", pkg)
		}
	}
}
