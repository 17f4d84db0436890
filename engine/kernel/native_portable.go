//go:build !js && (!amd64 || noasm)

package kernel

func platform() *machine { return newNative() }
