package kernel

import "testing"

// nativeMachines returns the machine that was chosen, unless it is the
// reference, which the suite runs anyway.
func nativeMachines(testing.TB) []*machine {
	if active == reference {
		return nil
	}
	return []*machine{active}
}
