package onnx

// LastOpset is the newest ai.onnx opset in the table below.
const LastOpset = 28

// irOfOpset lists from which ai.onnx opset on which IR version is the smallest that was released
// with it, falling. Source: onnx.helper.VERSION_TABLE, ONNX 1.23.2.
var irOfOpset = []struct{ opset, ir int }{
	{28, 14}, {25, 13}, {24, 12}, {23, 11}, {21, 10}, {19, 9}, {15, 8}, {12, 7}, {11, 6}, {10, 5}, {9, 4}, {1, 3},
}

// MinIR returns the IR version that goes with an ai.onnx opset.
func MinIR(opset int) int {
	for _, r := range irOfOpset {
		if opset >= r.opset {
			return r.ir
		}
	}
	return irOfOpset[len(irOfOpset)-1].ir
}

// Domain returns the canonical name of an operator domain: ai.onnx is also written as "".
func Domain(name string) string {
	if name == "ai.onnx" {
		return ""
	}
	return name
}

// Opset returns the version of a domain that the model imports, or 0.
func (m *Model) Opset(domain string) int {
	version := 0
	for _, o := range m.OpsetImport {
		if Domain(o.Domain) == domain {
			version = max(version, int(o.Version))
		}
	}
	return version
}
