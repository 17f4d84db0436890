"""Runs exported files in the real runtimes, for runtimes_test.go.

usage: runtimes.py JOB.json

JOB holds {"float": path, "inputs": [npy paths], "files": [{"path": ..., "runtimes": ["onnxruntime", "openvino"], "like": path}]}. Prints one JSON
list, an entry per file and runtime: what onnx.checker said, how many layers ran in int8, and against the float model in
ONNX Runtime the agreement of the largest output value (percent) and the SQNR of all outputs (dB). For ONNX Runtime also
the SQNR with exact integers, which differs on an x86 CPU without VNNI when products overflow, and whether all outputs are
the same bit for bit. "like" is the SQNR (dB) against the outputs of the file
of an earlier entry in the same runtime, when the entry names one. A file may be OpenVINO IR, which the checker passes over.
"""
import json
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
import openvino as ov


def ort_session(path, optimized=None, exact=False):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    if exact:  # weights to u8, for which x86 has a kernel that widens before it adds
        options.add_session_config_entry("session.x64quantprecision", "1")
    if optimized:
        options.optimized_model_filepath = optimized
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run_ort(path, inputs):
    with tempfile.TemporaryDirectory() as folder:
        optimized = os.path.join(folder, "optimized.onnx")
        session = ort_session(path, optimized)
        ops = [n.op_type for n in onnx.load(optimized).graph.node]
    name = session.get_inputs()[0].name
    return [session.run(None, {name: x}) for x in inputs], sum(op.startswith("QLinear") or op == "QGemm" for op in ops)


def run_exact(path, inputs):
    session = ort_session(path, exact=True)
    name = session.get_inputs()[0].name
    return [session.run(None, {name: x}) for x in inputs]


def run_openvino(path, inputs):
    core = ov.Core()
    model = core.read_model(path)
    model.reshape({model.input(0): list(inputs[0].shape)})
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    int8 = 0
    for op in compiled.get_runtime_model().get_ops():
        info = {k: str(v.astype(str)) if hasattr(v, "astype") else str(v) for k, v in op.get_rt_info().items()}
        if info.get("layerType") in ("Convolution", "FullyConnected", "MatMul") and info.get("runtimePrecision") in ("u8", "i8"):
            int8 += 1
    outs = []
    for x in inputs:
        y = compiled(x)
        outs.append([y[i].copy() for i in range(len(compiled.outputs))])
    return outs, int8


RUNTIMES = {"onnxruntime": run_ort, "openvino": run_openvino}


def compare(refs, outs):
    signal = sum(float((o.astype(np.float64) ** 2).sum()) for r in refs for o in r)
    noise = sum(float(((o - p.astype(np.float64)) ** 2).sum()) for r, q in zip(refs, outs) for o, p in zip(r, q))
    agree = np.mean([r[0].argmax() == q[0].argmax() for r, q in zip(refs, outs)])
    finite = all(np.isfinite(p).all() for q in outs for p in q)
    return 100 * float(agree), float(10 * np.log10(signal / max(noise, 1e-30))), finite


def main():
    with open(sys.argv[1]) as f:
        job = json.load(f)
    inputs = [np.load(p) for p in job["inputs"]]
    refs, _ = run_ort(job["float"], inputs)
    results, seen = [], {}
    for entry in job["files"]:
        checker = ""
        try:
            if entry["path"].endswith(".onnx"):
                onnx.checker.check_model(onnx.load(entry["path"]), full_check=True)
        except Exception as e:  # the message is the test's evidence
            checker = str(e)
        for runtime in entry["runtimes"]:
            outs, int8 = RUNTIMES[runtime](entry["path"], inputs)
            agree, sqnr, finite = compare(refs, outs)
            seen[entry["path"], runtime] = outs
            like = compare(seen[entry["like"], runtime], outs)[1] if entry.get("like") else 0.0
            result = {"path": entry["path"], "runtime": runtime, "checker": checker, "int8": int8,
                      "agreement": agree, "sqnr": sqnr, "finite": finite, "like": like}
            if runtime == "onnxruntime":
                exact = run_exact(entry["path"], inputs)
                result["exact"] = compare(refs, exact)[1]
                result["same"] = all(np.array_equal(a, b) for r, q in zip(outs, exact) for a, b in zip(r, q))
            results.append(result)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
