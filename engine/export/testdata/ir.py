"""Compares OpenVINO IR with the ONNX files it was made from, for ir_runtimes_test.go.

usage: ir.py JOB.json

JOB is a list of {"onnx", "ir"}. Prints a JSON list beside it: what OpenVINO said when it could not load the IR, and the largest
difference of any output from what OpenVINO computes of the ONNX file on random input, as a share of the largest output.
"""
import json
import sys

import numpy as np
import openvino as ov


def run(core, path, feed):
    compiled = core.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = [next(iter(o.get_names())) for o in compiled.outputs]
    out = compiled(feed)
    return {n: out[i].copy() for i, n in enumerate(names)}


def main():
    with open(sys.argv[1]) as f:
        jobs = json.load(f)
    core, results = ov.Core(), []
    for job in jobs:
        rng = np.random.default_rng(1)
        feed = {p.get_any_name(): rng.standard_normal(list(p.shape)).astype(np.float32) for p in core.read_model(job["onnx"]).inputs}
        want = run(core, job["onnx"], feed)
        try:
            got = run(core, job["ir"], feed)
        except Exception as e:  # the message is the test's evidence
            results.append({"error": str(e), "off": 0.0})
            continue
        off = 0.0
        for name, w in want.items():
            if name not in got or got[name].shape != w.shape:
                results.append({"error": f"outputs {sorted(got)} where {name} {w.shape} is wanted", "off": 0.0})
                break
            off = max(off, float(np.abs(got[name] - w).max()) / max(1e-30, float(np.abs(w).max())))
        else:
            results.append({"error": "", "off": off})
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
