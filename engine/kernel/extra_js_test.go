package kernel

import "testing"

// extraMachines adds nothing: the SIMD module is the active machine here.
func extraMachines(testing.TB) []*machine { return nil }
