// Command gen writes a model with random weights: gen NAME FILE.
package main

import (
	"fmt"
	"os"

	"dropquant/engine/internal/randmodel"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("name a model and the file to write")
	}
	for _, m := range randmodel.Models {
		if m.Name != args[0] {
			continue
		}
		model, err := m.Build(1).ToONNX()
		if err != nil {
			return err
		}
		return os.WriteFile(args[1], model.Marshal(), 0o644)
	}
	return fmt.Errorf("no model is called %q", args[0])
}
