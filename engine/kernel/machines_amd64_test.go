//go:build !noasm

package kernel

import "testing"

// nativeMachines returns what can run natively here.
func nativeMachines(t testing.TB) []*machine {
	list := []*machine{newNative()}
	if !hasAVX2() {
		t.Log("this processor has no AVX2 with FMA: the avx2 machine is NOT tested")
		return list
	}
	return append(list, newAVX2())
}
