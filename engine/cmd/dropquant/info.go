package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"dropquant/engine"
	"dropquant/engine/dataset"
)

func info(args []string, out, log io.Writer) error {
	fs := newFlags("info", "MODEL", "Says what MODEL is and what will become of each of its operators.", log)
	targetName := fs.String("target", engine.DefaultTarget, "the runtime the file is for: "+strings.Join(targetNames(), ", "))
	asJSON := fs.Bool("json", false, "as JSON")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		fs.Usage()
		return usageError{errors.New("name one model")}
	}
	if err := oneOf("target", *targetName, targetNames()); err != nil {
		return err
	}
	m, err := loadModel(rest[0])
	if err != nil {
		return err
	}
	in := m.Info(*targetName, dataset.Preset{})
	if *asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(in)
	}
	fmt.Fprintf(out, "%s  opset %d, %.1f MB, %.2f M parameters, %.0f M multiply-accumulates\n", in.Name, in.Opset, float64(in.Size)/1e6, float64(in.Params)/1e6, float64(in.MACs)/1e6)
	fmt.Fprintf(out, "input   %s %s%v\n", in.Input.Name, in.Input.Type, in.Input.Shape)
	if in.Widened {
		fmt.Fprintln(out, "types   "+engine.WidenedNote)
	}
	fmt.Fprintf(out, "preset  %s: %s\n", in.Preset, in.Reason)
	for _, u := range in.Ops {
		fmt.Fprintf(out, "%6d  %-22s %d int8", u.Count, u.Op, u.Int8)
		if len(u.Float) > 0 {
			fmt.Fprintf(out, ", %d float: %s", len(u.Float), u.Why)
		}
		fmt.Fprintln(out)
	}
	if in.Blocked != "" {
		return errors.New(in.Blocked)
	}
	return nil
}
