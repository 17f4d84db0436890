package kernel

import (
	"os"
	"testing"
)

// extraMachines adds nothing: the SIMD module is the active machine here.
func extraMachines(testing.TB) []*machine { return nil }

// TestName fails when the tests run on other kernels than those asked for.
func TestName(t *testing.T) {
	want := "simd"
	if os.Getenv("DROPQUANT_KERNEL") == "relaxed" {
		want = "relaxed"
	}
	if Name() != want {
		t.Errorf("the kernels are %s, want %s", Name(), want)
	}
}
