"""Says which nodes of exported files the real runtimes run in integers, for runtimes_test.go.

usage: runtimes.py JOB.json

JOB is a list of {"path", "float", "runtime"}, runtime "onnxruntime", "openvino" or "" for none. Prints a JSON list beside it: what
onnx.checker said, the names of the nodes that run in integers, and the SQNR (dB) of all outputs against the float model in
ONNX Runtime on one random input.
"""
import json
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
import openvino as ov


def ort_session(path, optimized=None):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    if optimized:
        options.optimized_model_filepath = optimized
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def inputs(path):
    rng = np.random.default_rng(1)
    feed = {}
    for i in onnx.load(path).graph.input:
        shape = [d.dim_value or 1 for d in i.type.tensor_type.shape.dim]
        feed[i.name] = rng.standard_normal(shape).astype(np.float32)
    return feed


def run_onnxruntime(path, feed):
    with tempfile.TemporaryDirectory() as folder:
        optimized = os.path.join(folder, "optimized.onnx")
        session = ort_session(path, optimized)
        nodes = onnx.load(optimized).graph.node
    integer = ("QLinear", "QGemm", "MatMulInteger")
    names = [n.name.split("_token_")[0] for n in nodes if n.op_type.startswith(integer)]
    return names, session.run(None, feed)


def text(value):
    return str(value.astype(str)) if hasattr(value, "astype") else str(value)


def run_openvino(path, feed):
    core = ov.Core()
    model = core.read_model(path)
    model.reshape({k: list(v.shape) for k, v in feed.items()})
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = []
    for op in compiled.get_runtime_model().get_ops():
        info = {k: text(v) for k, v in op.get_rt_info().items()}
        if info.get("runtimePrecision") in ("u8", "i8"):
            names += info.get("originalLayersNames", "").split(",")
    out = compiled(feed)
    return names, [out[i].copy() for i in range(len(compiled.outputs))]


RUNTIMES = {"onnxruntime": run_onnxruntime, "openvino": run_openvino}


def main():
    with open(sys.argv[1]) as f:
        jobs = json.load(f)
    results = []
    for job in jobs:
        try:
            onnx.checker.check_model(job["path"], full_check=True)
            checker = ""
        except Exception as e:  # the message is the test's evidence
            checker = str(e)
        result = {"checker": checker, "names": [], "sqnr": 0.0}
        if job["runtime"]:
            feed = inputs(job["float"])
            names, outs = RUNTIMES[job["runtime"]](job["path"], feed)
            refs = ort_session(job["float"]).run(None, feed)
            signal = sum(float((r.astype(np.float64) ** 2).sum()) for r in refs)
            noise = sum(float(((r - o.astype(np.float64)) ** 2).sum()) for r, o in zip(refs, outs))
            result["names"] = names
            result["sqnr"] = float(10 * np.log10(max(signal, 1e-30) / max(noise, 1e-30)))
        results.append(result)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
