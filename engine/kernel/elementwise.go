package kernel

// Add computes dst[i] = a[i] + b[i]. Here and below dst may be an operand, and
// the operands are at least as long as dst.
func Add(dst, a, b []float32) { binary(opAdd, dst, a, b) }

// Sub computes dst[i] = a[i] - b[i].
func Sub(dst, a, b []float32) { binary(opSub, dst, a, b) }

// Mul computes dst[i] = a[i]·b[i].
func Mul(dst, a, b []float32) { binary(opMul, dst, a, b) }

// Div computes dst[i] = a[i]/b[i].
func Div(dst, a, b []float32) { binary(opDiv, dst, a, b) }

// Min computes dst[i] = b[i] < a[i] ? b[i] : a[i].
func Min(dst, a, b []float32) { binary(opMin, dst, a, b) }

// Max computes dst[i] = a[i] < b[i] ? b[i] : a[i].
func Max(dst, a, b []float32) { binary(opMax, dst, a, b) }

// AddScalar computes dst[i] = a[i] + b.
func AddScalar(dst, a []float32, b float32) { scalar(opAdd, dst, a, b) }

// SubScalar computes dst[i] = a[i] - b.
func SubScalar(dst, a []float32, b float32) { scalar(opSub, dst, a, b) }

// MulScalar computes dst[i] = a[i]·b.
func MulScalar(dst, a []float32, b float32) { scalar(opMul, dst, a, b) }

// DivScalar computes dst[i] = a[i]/b.
func DivScalar(dst, a []float32, b float32) { scalar(opDiv, dst, a, b) }

// MinScalar computes dst[i] = b < a[i] ? b : a[i].
func MinScalar(dst, a []float32, b float32) { scalar(opMin, dst, a, b) }

// MaxScalar computes dst[i] = a[i] < b ? b : a[i].
func MaxScalar(dst, a []float32, b float32) { scalar(opMax, dst, a, b) }

// ScalarSub computes dst[i] = a - b[i].
func ScalarSub(dst []float32, a float32, b []float32) { scalar(opRSub, dst, b, a) }

// ScalarDiv computes dst[i] = a/b[i].
func ScalarDiv(dst []float32, a float32, b []float32) { scalar(opRDiv, dst, b, a) }

// AddChannel computes dst[c, i] = a[c, i] + b[c]; the rows are len(dst)/len(b) long.
func AddChannel(dst, a, b []float32) { channel(opAdd, dst, a, b) }

// SubChannel computes dst[c, i] = a[c, i] - b[c].
func SubChannel(dst, a, b []float32) { channel(opSub, dst, a, b) }

// MulChannel computes dst[c, i] = a[c, i]·b[c].
func MulChannel(dst, a, b []float32) { channel(opMul, dst, a, b) }

// DivChannel computes dst[c, i] = a[c, i]/b[c].
func DivChannel(dst, a, b []float32) { channel(opDiv, dst, a, b) }

// ChannelSub computes dst[c, i] = a[c] - b[c, i].
func ChannelSub(dst, a, b []float32) { channel(opRSub, dst, b, a) }

// ChannelDiv computes dst[c, i] = a[c]/b[c, i].
func ChannelDiv(dst, a, b []float32) { channel(opRDiv, dst, b, a) }

func binary(op binaryOp, dst, a, b []float32) {
	n := len(dst)
	active.binary[op](dst, a[:n], b[:n], n)
}

func scalar(op binaryOp, dst, a []float32, b float32) {
	n := len(dst)
	active.scalar[op](dst, a[:n], b, n)
}

func channel(op binaryOp, dst, a, b []float32) {
	if len(b) == 0 {
		return
	}
	active.channel[op](dst, a[:len(dst)], b, len(b), len(dst)/len(b))
}

// Softmax computes the softmax of each of the rows of length cols. The sum of
// a row is taken in float32.
func Softmax(dst, src []float32, rows, cols int) {
	if rows > 0 && cols > 0 {
		active.softmax(dst[:rows*cols], src[:rows*cols], rows, cols)
	}
}
