//go:build !js && (!amd64 || noasm)

package kernel

import "testing"

// nativeMachines returns what can run natively here.
func nativeMachines(testing.TB) []*machine { return []*machine{newNative()} }
