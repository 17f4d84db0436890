package engine

import "dropquant/engine/target"

// Lint reads a model file, quantized by any tool or not at all, and reports what the runtime of a target, "" for the
// default one, makes of it: see [target.Lint]. sibling is as in Load. An error says why the file cannot be read.
func Lint(f File, sibling func(name string) ([]byte, bool), targetName string) (*target.Report, error) {
	t, err := findTarget(targetName)
	if err != nil {
		return nil, err
	}
	m, err := load(f, sibling)
	if err != nil {
		return nil, &FileError{f.Name, err}
	}
	return target.Lint(m.graph, t), nil
}
