"""Times a float pass in ONNX Runtime on one thread, for the native part of the benchmark.

usage: time_ort.py MODEL

For every line of the input, a number of passes, prints the mean milliseconds of one.
"""
import sys
import time

import numpy as np
import onnxruntime as ort


def main():
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    arg = session.get_inputs()[0]
    shape = [d if isinstance(d, int) else 1 for d in arg.shape]
    x = np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)
    for line in sys.stdin:
        times = int(line)
        began = time.perf_counter()
        for _ in range(times):
            session.run(None, {arg.name: x})
        print((time.perf_counter() - began) * 1e3 / times, flush=True)


if __name__ == "__main__":
    main()
