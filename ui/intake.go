package ui

import (
	"path"
	"slices"
	"strings"

	"dropquant/engine/dataset"
)

// intake sorts what the user gave into what it is. It holds positions in the given list, in the order of their paths, folder by
// folder as the terminal program walks them: browsers list folders in any order, and results must not depend on it.
type intake struct {
	models  []int
	images  []int
	others  []int // may be a model's external weights
	labels  []int // tables that may say what the images show
	ignored int   // files that systems leave in folders are not even counted
}

// arrays are inputs that are no pictures: .npy files, and pixels without a header.
func isArray(p string, size func() int64) bool {
	if ext := strings.ToLower(path.Ext(p)); ext != ".npy" && ext != ".bin" && ext != "" {
		return false
	}
	return dataset.IsSample(p, size())
}

// sort sorts paths. size is asked only where the name does not tell.
func sortFiles(paths []string, size func(i int) int64) intake {
	order, parts := make([]int, len(paths)), make([][]string, len(paths))
	for i, p := range paths {
		order[i], parts[i] = i, strings.Split(p, "/")
	}
	slices.SortStableFunc(order, func(a, b int) int { return slices.Compare(parts[a], parts[b]) })
	var in intake
	for _, i := range order {
		p := paths[i]
		switch {
		case dataset.IsJunk(p):
		case strings.EqualFold(path.Ext(p), ".onnx"):
			in.models = append(in.models, i)
		case dataset.IsImageName(p) || isArray(p, func() int64 { return size(i) }):
			in.images = append(in.images, i)
		case isLabels(p):
			in.labels = append(in.labels, i)
		case isNotes(p):
			in.ignored++
		default:
			in.others = append(in.others, i)
			in.ignored++
		}
	}
	return in
}

// isLabels recognizes tables of labels: CSV files that say so in their names.
func isLabels(p string) bool {
	return strings.EqualFold(path.Ext(p), ".csv") && strings.Contains(strings.ToLower(path.Base(p)), "label")
}

// isNotes recognizes what else comes with data sets, and is no model's weights.
func isNotes(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".csv", ".txt", ".json", ".xml":
		return true
	}
	return false
}

// siblingName is how a model names a file beside it: its path below the model's folder.
func siblingName(model, file string) string {
	dir := path.Dir(model)
	if dir == "." {
		return file
	}
	if rest, below := strings.CutPrefix(file, dir+"/"); below {
		return rest
	}
	return path.Base(file)
}
