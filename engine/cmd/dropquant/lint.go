package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"dropquant/engine"
	"dropquant/engine/target"
)

const lintTitle = `Says what a runtime makes of MODEL, quantized by any tool: which nodes run in int8, which do not and why, and what is
wrong in the file, each with its cure.

Exit codes: 0 nothing that matters; 1 the file is refused or gives wrong results, or less than -share of its
multiply-accumulates run in int8; 2 the command line is wrong or the file cannot be read.`

func lint(args []string, out, log io.Writer) error {
	fs := newFlags("lint", "MODEL", lintTitle, log)
	targetName := fs.String("target", engine.DefaultTarget, "the runtime: "+strings.Join(targetNames(), ", "))
	asJSON := fs.Bool("json", false, "as JSON")
	share := fs.Float64("share", 0.9, "the least share of multiply-accumulates in int8, 0 to 1; heads that stay float take up to 0.06")
	rules := fs.Bool("rules", false, "print the rules, with their sources, and no more")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if *rules {
		printRules(out)
		return nil
	}
	if len(rest) != 1 {
		fs.Usage()
		return usageError{errors.New("name one model")}
	}
	if err := oneOf("target", *targetName, targetNames()); err != nil {
		return err
	}
	data, err := os.ReadFile(rest[0])
	if err != nil {
		return usageError{err}
	}
	report, err := engine.Lint(engine.File{Name: filepath.Base(rest[0]), Data: data}, siblingsOf(rest[0]), *targetName)
	if err != nil {
		return usageError{err}
	}
	if *asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		if err := e.Encode(report); err != nil {
			return err
		}
	} else {
		printLint(out, filepath.Base(rest[0]), report)
	}
	return verdict(report, *share)
}

// verdict returns what matters as an error, nil when nothing does.
func verdict(r *target.Report, share float64) error {
	switch refused, wrong := r.Count(target.Refused), r.Count(target.Wrong); {
	case refused > 0:
		return fmt.Errorf("%s refuses this file, or fails when it runs it: %s", r.Target, count(refused, "finding"))
	case wrong > 0:
		return fmt.Errorf("%s can give wrong results: %s", r.Target, count(wrong, "finding"))
	case r.Share() < share:
		return fmt.Errorf("%.1f %% of the multiply-accumulates run in int8, less than the %g %% asked for", 100*r.Share(), 100*share)
	}
	return nil
}

// printLint writes the report: the share, the findings by rule, and the nodes that stay float.
func printLint(w io.Writer, name string, r *target.Report) {
	fmt.Fprintf(w, "%s for %s: %.1f %% of %.0f M multiply-accumulates in int8, %d of %s, %s\n",
		name, target.ByName(r.Target).Title, 100*r.Share(), float64(r.MACs)/1e6, r.Int8Layers, count(r.Layers, "layer"), count(r.Pairs, "Q or DQ node"))
	for _, e := range []target.Effect{target.Refused, target.Wrong, target.StaysFloat, target.Note} {
		printFindings(w, e, r.Findings)
	}
	header := false
	for _, n := range r.Nodes {
		if n.State != target.Float.String() && n.State != target.Stored.String() {
			continue
		}
		if !header {
			fmt.Fprintln(w, "\nNot in int8:")
			header = true
		}
		fmt.Fprintf(w, "  %-18s %q", n.Op, n.Name)
		if n.MACs > 0 {
			fmt.Fprintf(w, ", %.1f M", float64(n.MACs)/1e6)
		}
		fmt.Fprintf(w, ": %s\n", n.Why)
	}
}

// shown is how many findings of a rule are printed; all are in the JSON.
const shown = 3

// printFindings writes the findings of one effect, those of a rule together.
func printFindings(w io.Writer, e target.Effect, all []target.Finding) {
	for _, rule := range target.Rules {
		n := 0
		for _, f := range all {
			if f.Effect != e || f.ID != rule.ID {
				continue
			}
			if n++; n == 1 {
				fmt.Fprintf(w, "\n%v: %s (%s)\n", e, rule.Title, rule.ID)
			}
			if n <= shown {
				fmt.Fprintf(w, "  %q: %s\n", f.Node, f.Text)
			}
		}
		if n > shown {
			fmt.Fprintf(w, "  and %d more\n", n-shown)
		}
		if n > 0 {
			fmt.Fprintf(w, "  To cure it, %s.\n", rule.Fix)
		}
	}
}

func printRules(w io.Writer) {
	for _, r := range target.Rules {
		fmt.Fprintf(w, "%s: %s\n  to cure it, %s\n  source: %s\n", r.ID, r.Title, r.Fix, r.Source)
	}
}

// count returns "1 finding" or "2 findings".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
