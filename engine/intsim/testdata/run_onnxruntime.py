"""Runs models in ONNX Runtime and writes what they give, for the tests of engine/intsim.

usage: run_onnxruntime.py JOB.json

JOB is a list of {"model": path, "inputs": [{name: tensor}], "precise": bool, "inside": bool, "out": folder}. A tensor is {"file", "type",
"shape"} with its elements in little-endian order. "precise" sets session.x64quantprecision, which makes sums exact on every processor.
"inside" gives the outputs of all nodes of the optimized model, which shows what the kernels compute.
Prints one JSON list: for each run and each of its inputs the outputs by name.
"""
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime as ort


def session(model, precise, level=None, optimized=None, disabled=()):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if precise:
        options.add_session_config_entry("session.x64quantprecision", "1")
    if level is not None:
        options.graph_optimization_level = level
    if optimized:
        options.optimized_model_filepath = optimized
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"], disabled_optimizers=list(disabled))


def inside(path, precise, folder):
    """The optimized model with every tensor an output. Without the change of layouts tensors keep their names; the kernels are the same."""
    optimized = os.path.join(folder, "optimized.onnx")
    session(path, precise, optimized=optimized, disabled=["NhwcTransformer"])
    model = onnx.load(optimized)
    known = {o.name for o in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in known:
                model.graph.output.append(onnx.ValueInfoProto(name=name))
    return session(model.SerializeToString(), precise, ort.GraphOptimizationLevel.ORT_DISABLE_ALL), original_names(onnx.load(path), model)


def original_names(before, after):
    """The names in the file of tensors that ONNX Runtime renames, as it does when it makes signed codes unsigned."""
    readers, nodes, names = {}, {n.name: n for n in before.graph.node}, {}
    for n in before.graph.node:
        for x in n.input:
            readers.setdefault(x, []).append(n)
    for n in after.graph.node:
        old = nodes.get(n.name)
        for k, x in enumerate(n.output):
            if old is None or not x.startswith("qdq_s8_to_u8_quant"):
                continue
            y, steps = old.output[k], 0
            while old.op_type != "QuantizeLinear" and steps < 4 and len(readers.get(y, [])) == 1:
                old = readers[y][0]
                y, steps = old.output[0], steps + 1
            if old.op_type == "QuantizeLinear":
                names[x] = y
    return names


def load(t):
    return np.fromfile(t["file"], dtype=t["type"]).reshape(t["shape"])


def store(array, path):
    array = np.ascontiguousarray(array)
    array.tofile(path)
    return {"file": path, "type": str(array.dtype), "shape": list(array.shape)}


def run(job):
    s, original = inside(job["model"], job["precise"], job["out"]) if job["inside"] else (session(job["model"], job["precise"]), {})
    names, results = [o.name for o in s.get_outputs()], []
    for i, inputs in enumerate(job["inputs"]):
        arrays = s.run(names, {k: load(t) for k, t in inputs.items()})
        results.append({original.get(n, n): store(a, os.path.join(job["out"], f"{i}-{k}.bin")) for k, (n, a) in enumerate(zip(names, arrays))})
    return results


def attempt(job):
    try:
        return run(job)
    except Exception as e:
        if not job["lenient"]:
            raise
        print(job["model"], str(e)[:400], file=sys.stderr)
        return None


with open(sys.argv[1]) as f:
    print(json.dumps([attempt(job) for job in json.load(f)]))
