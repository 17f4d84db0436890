package kernel

func platform() *machine { return reference }
