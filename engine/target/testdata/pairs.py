"""Says whether the integers of the real runtimes overflow on this CPU, for pairs_runtimes_test.go.

usage: pairs.py JOB.json

JOB is a list of {"path", "runtime"}: files of one input and one output. Each is run on inputs of 0 and 255, natively and
exactly. Prints a list beside JOB of the largest difference of the two, as a share of the largest output.
"""
import json
import sys

import numpy as np
import onnxruntime as ort
import openvino as ov


def session(path, level=None):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    if level is not None:
        options.graph_optimization_level = level
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run_onnxruntime(path, inputs, name):
    s = session(path)
    return [s.run(None, {name: x})[0] for x in inputs]


def run_openvino(path, inputs, _):
    compiled = ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [compiled(x)[0].copy() for x in inputs]


RUNTIMES = {"onnxruntime": run_onnxruntime, "openvino": run_openvino}


def main():
    with open(sys.argv[1]) as f:
        jobs = json.load(f)
    off = []
    for job in jobs:
        exact = session(job["path"], ort.GraphOptimizationLevel.ORT_DISABLE_ALL)  # floats between the codes
        x = exact.get_inputs()[0]
        rng = np.random.default_rng(1)
        inputs = [np.full(x.shape, 255, np.float32)]
        inputs += [(255 * rng.integers(0, 2, x.shape)).astype(np.float32) for _ in range(8)]
        want = [exact.run(None, {x.name: i})[0] for i in inputs]
        got = RUNTIMES[job["runtime"]](job["path"], inputs, x.name)
        off.append(max(float(np.abs(w - g).max()) for w, g in zip(want, got)) / max(float(np.abs(w).max()) for w in want))
    json.dump(off, sys.stdout)


if __name__ == "__main__":
    main()
