"""Runs models in OpenVINO's CPU plugin and writes what they give, for the tests of engine/intsim.

usage: run_openvino.py JOB.json

JOB is a list of {"model": path, "inputs": [{name: tensor}], "out": folder}, tensors as in run_onnxruntime.py. The environment
variable ONEDNN_MAX_CPU_ISA chooses the instruction set, and so the arithmetic.
Prints one JSON list: for each run and each of its inputs the outputs by name.
"""
import json
import os
import sys

import numpy as np
import openvino as ov


def load(t):
    return np.fromfile(t["file"], dtype=t["type"]).reshape(t["shape"])


def store(array, path):
    array = np.ascontiguousarray(array)
    array.tofile(path)
    return {"file": path, "type": str(array.dtype), "shape": list(array.shape)}


def run(job):
    core = ov.Core()
    model = core.read_model(job["model"])
    model.reshape({k: t["shape"] for k, t in job["inputs"][0].items()})
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    results = []
    for i, inputs in enumerate(job["inputs"]):
        outputs, named = compiled({k: load(t) for k, t in inputs.items()}), {}
        for k, o in enumerate(compiled.outputs):
            tensor = store(outputs[k], os.path.join(job["out"], f"{i}-{k}.bin"))
            named |= {name: tensor for name in o.get_names()}
        results.append(named)
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
