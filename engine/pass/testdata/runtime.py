"""Compares pairs of models in ONNX Runtime, for runtime_test.go.

usage: runtime.py DIR

For every DIR/NAME.before.onnx runs it and DIR/NAME.after.onnx on the same random input, and prints a JSON object: NAME to the largest
difference relative to the largest output, or to the message when the later file does not run.
"""
import glob
import json
import os
import sys

import numpy as np
import onnxruntime as ort


def session(path):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def compare(before, after):
    old, new = session(before), session(after)
    rng = np.random.default_rng(1)
    feed = {i.name: rng.standard_normal([d if isinstance(d, int) else 2 for d in i.shape]).astype(np.float32) for i in old.get_inputs()}
    worst = 0.0
    for a, b in zip(old.run(None, feed), new.run(None, feed)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{a.dtype}{a.shape} became {b.dtype}{b.shape}"
        if a.size:
            a, b = a.astype(np.float64), b.astype(np.float64)
            worst = max(worst, float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-30)))
    return worst


def main():
    results = {}
    for before in sorted(glob.glob(os.path.join(sys.argv[1], "*.before.onnx"))):
        name = os.path.basename(before).removesuffix(".before.onnx")
        try:
            results[name] = compare(before, before.replace(".before.", ".after."))
        except Exception as e:  # the message is the test's evidence
            results[name] = str(e)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
