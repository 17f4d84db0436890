//go:build !noasm

package kernel

import "testing"

// nativeMachines returns what can run natively here.
func nativeMachines(testing.TB) []*machine {
	if !hasAVX2() {
		return []*machine{newNative()}
	}
	return []*machine{newNative(), newAVX2()}
}

// TestAVX2 says when the suite passes over the assembly.
func TestAVX2(t *testing.T) {
	if !hasAVX2() {
		t.Skip("this processor has no AVX2 with FMA, so the avx2 machine was not tested")
	}
	if Name() != "avx2" {
		t.Errorf("running on %q, though the processor has AVX2 and FMA", Name())
	}
}
