package main

import (
	"context"
	"fmt"
)

// cores times the float model on two workers at once, in turn with one of them alone: more than they give, no job can gain from a
// second worker. It need not be 2: cores share memory, caches and their clock, and those of a virtual machine may share more.
func (b *bench) cores(ctx context.Context) error {
	fmt.Printf("\ncores: the float model on two workers at once against one alone, medians of %d pairs\n", b.rounds)
	table := newTable("model\talone ms\ttogether ms\ttwo do times as much (min..max)")
	defer table.Flush()
	for _, name := range b.jobs {
		if _, err := b.load(ctx, name, false); err != nil {
			return err
		}
		if _, err := eval[any](b.page, fmt.Sprintf("second(%q)", name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		alone, both, err := pairs(b.page, b.rounds, `ask("dropquant", "run", %d)`, `together(%d)`)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		gain := ratios(alone, both)
		for i := range gain {
			gain[i] *= 2
		}
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%s\n", name, median(alone), median(both), spread(gain))
	}
	return nil
}
