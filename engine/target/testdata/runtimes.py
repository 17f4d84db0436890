"""Says which nodes of exported files the real runtimes run in integers, for runtimes_test.go.

usage: runtimes.py JOB.json

JOB is a list of {"path", "float", "runtime"}, runtime "onnxruntime", "openvino" or "" for none. Prints a JSON list beside it: what
onnx.checker said, the names of the nodes that run in integers, those that the runtime names at all, and the SQNR (dB) of all outputs
against the float model, if there is one, in ONNX Runtime on one random input.
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


def shapes(path):
    return {i.name: [d.dim_value or 1 for d in i.type.tensor_type.shape.dim] for i in onnx.load(path).graph.input}


def inputs(path):
    rng = np.random.default_rng(1)
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes(path).items()}


# Operators of ONNX Runtime that compute in integers, and of them those whose output is float.
INTEGER = ("QLinear", "QGemm", "MatMulInteger", "ConvInteger")
TO_FLOAT = ("MatMulIntegerToFloat",)


def run_onnxruntime(path, feed):
    with tempfile.TemporaryDirectory() as folder:
        optimized = os.path.join(folder, "optimized.onnx")
        session = ort_session(path, optimized)
        graph = onnx.load(optimized).graph
    codes = {i.name for i in graph.initializer if i.data_type in (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)}
    names, known = [], []
    for n in graph.node:  # in order; what takes codes and is none of the above moves them
        name = n.name.split("_token_")[0]
        integer = n.op_type.startswith(INTEGER)
        moves = not integer and n.op_type != "DequantizeLinear" and bool(n.input) and n.input[0] in codes
        known.append(name)
        if integer or moves:
            names.append(name)
        if moves or n.op_type == "QuantizeLinear" or integer and n.op_type not in TO_FLOAT and not (n.op_type == "QGemm" and len(n.input) < 9):
            codes.update(n.output)
    return names, known, session.run(None, feed) if feed else None


def text(value):
    return str(value.astype(str)) if hasattr(value, "astype") else str(value)


def run_openvino(path, feed):
    core = ov.Core()
    model = core.read_model(path)
    model.reshape(shapes(path))
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names, known = [], []
    for op in compiled.get_runtime_model().get_ops():
        info = {k: text(v) for k, v in op.get_rt_info().items()}
        originals = info.get("originalLayersNames", "").split(",")
        known += originals
        if info.get("runtimePrecision") in ("u8", "i8") and info.get("layerType") != "Subgraph":  # which computes in float
            names += originals
    if not feed:
        return names, known, None
    out = compiled(feed)
    return names, known, [out[i].copy() for i in range(len(compiled.outputs))]


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
        result = {"checker": checker, "names": [], "known": [], "error": "", "sqnr": 0.0}
        feed = inputs(job["float"]) if job.get("float") else None
        if job["runtime"]:
            try:
                result["names"], result["known"], outs = RUNTIMES[job["runtime"]](job["path"], feed)
            except Exception as e:  # a file may be meant to be refused
                result["error"] = str(e) or type(e).__name__
        if job["runtime"] and feed and not result["error"]:
            refs = ort_session(job["float"]).run(None, feed)
            signal = sum(float((r.astype(np.float64) ** 2).sum()) for r in refs)
            noise = sum(float(((r - o.astype(np.float64)) ** 2).sum()) for r, o in zip(refs, outs))
            result["sqnr"] = float(10 * np.log10(max(signal, 1e-30) / max(noise, 1e-30)))
        results.append(result)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
